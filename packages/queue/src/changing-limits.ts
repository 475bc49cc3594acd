/**
 * Reading and changing the limits that are kept with a queue, by a call instead of a client that declares them.
 *
 * Guarantees: a change takes effect in one step, for all workers. Of two changes at the same time, one comes after the
 * other: none is lost without a word. A change gives the limits a higher version, so that clients with the version before
 * leave them.
 */
import { display, MisuseError, readOptions, UnavailableError } from '@holdfast/kernel';
import { declareLimits, differentFrom, LIMITS, type Limits } from './limits.js';
import type { QueuePort } from './port.js';
import { limits as stored } from './verbs.js';

/** How often a change is made anew because somebody else has changed the limits meanwhile. */
const MOST_TRIES = 20;

/** Limits that a queue keeps. */
export type KeptLimits = Limits & { readonly version: number };

/** The limits that are kept; undefined if there are none. Throws UnavailableError. */
export async function keptLimits(port: QueuePort): Promise<KeptLimits | undefined> {
  const text = await port.call(stored, undefined);
  return text === '' ? undefined : (JSON.parse(text) as KeptLimits);
}

/** Replaces the limits of the queue of `port`. Resolves to those that are kept then. */
export async function changeLimits(port: QueuePort, given: Limits): Promise<KeptLimits> {
  const settings = readOptions('setLimits', given, LIMITS);
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const kept = await keptLimits(port);
    const version = given.version ?? (kept?.version ?? 0) + 1;
    if (kept !== undefined && version < kept.version) {
      throw new MisuseError(
        `The queue "${port.name}" has limits of version ${kept.version}, so version ${display(version)} would be left out; give a higher one, or none.`,
      );
    }
    const declared = declareLimits({ ...settings, version });
    const differs = await port.declare(declared);
    if (differs === undefined) return JSON.parse(declared.args[1] ?? '') as KeptLimits;
    // Without a version, somebody else has taken the next one.
    if (given.version !== undefined) throw differentFrom(port.name, declared, differs);
  }
  const reason = 'somebody else changed them each time';
  throw new UnavailableError(`The limits of "${port.name}" were not changed. Retry later.`, [
    { node: port.address, reason },
  ]);
}
