/**
 * The issuer of tokens: files of a folder, which no fault reaches. Whoever takes a right gets a higher token than all before,
 * and only the last one can renew it, so a deposed holder is found out even where the servers have forgotten it.
 */
import { closeSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LeaseLostError, type TokenHolder } from '@holdfast/kernel';
import { monotonic } from './recorder.js';

export interface Right extends TokenHolder {
  /** Throws LeaseLostError once another has the right. */
  extend(): Promise<void>;
}

/** Takes the right to a resource from whoever has it. */
export function take(folder: string, resource: string): Right {
  const token = Math.max(monotonic(), highest(folder, resource) + 1);
  closeSync(openSync(join(folder, `${resource}.${token}.token`), 'a'));
  return {
    ...{ token, resource, issuer: 'faults', signal: new AbortController().signal },
    async extend() {
      const now = highest(folder, resource);
      if (now === token) return;
      throw new LeaseLostError(`The right to ${resource} has gone from token ${token} to ${now}.`, {
        resource,
        token,
      });
    },
  };
}

function highest(folder: string, resource: string): number {
  const tokens = readdirSync(folder).flatMap((name) => {
    const [of, token, ending] = name.split('.');
    return of === resource && ending === 'token' ? [Number(token)] : [];
  });
  return Math.max(0, ...tokens);
}
