/**
 * Writes the records of one process: one append a line, so that SIGKILL loses at most the line being written.
 */
import { openSync, writeSync } from 'node:fs';
import { monotonic } from '../traffic/recorder.js';
import type { WorkflowRecord } from './assignment.js';

type Details = WorkflowRecord extends infer R
  ? R extends WorkflowRecord
    ? Omit<R, 'at' | 'process'>
    : never
  : never;

/** `at`: the moment, if it is not the present one. */
export type Note = (details: Details, at?: number) => void;

export function openNotes(path: string, name: string): Note {
  const file = openSync(path, 'a');
  return (details, at = monotonic()) =>
    void writeSync(file, `${JSON.stringify({ at, process: name, ...details })}\n`);
}
