/**
 * The file of a witness: what a data Redis had at a moment, kept away from it.
 *
 * Guarantees: the file is replaced as a whole. One that is no witness, or is of another version, is refused.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { MisuseError, messageOf } from '@holdfast/kernel';
import type { Fact, Facts, Kind } from './facts.js';

export interface Witness {
  /** When it was taken, in ms since the epoch. */
  readonly taken: number;
  readonly facts: Facts;
}

const VERSION = 1;

export async function writeWitness(path: string, { taken, facts }: Witness): Promise<void> {
  const kept = Object.fromEntries(
    [...facts].map(([of, { kind, at, issuer }]) => [
      of,
      [kind, at, ...(issuer === undefined ? [] : [issuer])],
    ]),
  );
  const text = `${JSON.stringify({ witness: VERSION, taken, facts: kept })}\n`;
  const other = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(other, text, { mode: 0o600 });
    await rename(other, path);
  } catch (cause) {
    throw new MisuseError(`The witness cannot be written to ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** Throws MisuseError. */
export async function readWitness(path: string): Promise<Witness> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new MisuseError(`The witness ${path} cannot be read: ${messageOf(cause)}`, { cause });
  });
  const { witness, taken, facts } = Object(parsed(text));
  if (witness === undefined || typeof taken !== 'number' || typeof facts !== 'object')
    throw new MisuseError(`${path} is no witness: "holdfast witness take" writes one.`);
  if (witness !== VERSION)
    throw new MisuseError(
      `${path} is a witness of version ${witness}; this release reads version ${VERSION}.`,
    );
  const entries = Object.entries(facts as Record<string, [Kind, number[], string?]>);
  return {
    taken,
    facts: new Map(
      entries.map(([of, [kind, at, issuer]]): [string, Fact] => [
        of,
        { kind, at, ...(issuer !== undefined && { issuer }) },
      ]),
    ),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
