/**
 * One episode: traffic under a schedule of faults, then all faults end, every client ends what it does, and what the
 * clients recorded is judged.
 *
 * Guarantees: when it has ended, its clients have ended and no fault is left. If there is a violation, or if it is asked
 * for, its folder keeps the histories, the log of faults, and what was found.
 */
import { setMaxListeners } from 'node:events';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pause, systemClock } from '@holdfast/kernel';
import type { PlannedFault } from './nemesis/fault.js';
import { Nemesis } from './nemesis/nemesis.js';
import type { Episode, Judged, Subject } from './subject.js';
import { ClientProcesses } from './traffic/clients.js';

export interface EpisodeOptions extends Episode {
  readonly subject: Subject;
  /** The folder for this episode. */
  readonly folder: string;
  /** Whether it stays if nothing was violated; default false. */
  readonly keep?: boolean;
  /** How long the faults last, in ms; default as the subject has it. */
  readonly duration?: number;
  /** Instead of a drawn one. */
  readonly schedule?: readonly PlannedFault[];
}

export interface EpisodeOutcome extends Judged {
  /** How often each kind of fault was injected. */
  readonly injected: ReadonlyMap<string, number>;
}

export async function runEpisode(
  options: EpisodeOptions,
  interrupted?: AbortSignal,
): Promise<EpisodeOutcome> {
  const { subject, seed, deployed, folder, clients: count } = options;
  mkdirSync(folder, { recursive: true });
  const { program, assign, finishWithin, ...prepared } = subject.prepare(options);
  const { duration = prepared.duration } = options;
  const clients = new ClientProcesses({ count, folder, seed, program, assign });
  const log = join(folder, 'faults.log');
  const nemesis = new Nemesis({
    ...deployed,
    clients,
    log: (line) => appendFileSync(log, `${JSON.stringify(line)}\n`),
  });
  try {
    await clients.start();
    const schedule = options.schedule ?? prepared.drawSchedule(duration);
    const stop = interrupted ?? new AbortController().signal;
    setMaxListeners(0, stop); // one a planned fault
    await Promise.all([nemesis.run(schedule, stop), pause(systemClock, duration, stop)]);
    await clients.finish(finishWithin);
  } finally {
    await clients.stop();
    deployed.clocks?.reset();
  }
  for (const link of deployed.ledgerLinks) link.cut();
  const judged = await prepared.judge(folder);
  const violations = [...clients.violations, ...judged.violations];
  if (violations.length === 0 && !options.keep) rmSync(folder, { recursive: true });
  else writeFileSync(join(folder, 'violations.json'), `${JSON.stringify(violations, null, 2)}\n`);
  return { counts: judged.counts, injected: nemesis.injected, violations };
}
