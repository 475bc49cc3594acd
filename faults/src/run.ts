/**
 * A run: episode after episode until the time is over, on servers that are made new for every stage of some episodes.
 *
 * Guarantees: the schedule and the traffic of an episode depend only on the seed and its number, so an episode can be
 * repeated without the others. When the run ends, even by a signal, no server and no client is left.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemClock } from '@holdfast/kernel';
import type { Deployed } from './deployment/deployment.js';
import { runEpisode } from './episode.js';
import { featuresSubject } from './features/subject.js';
import { type Call, seedOf } from './options.js';
import { queueSubject } from './queue/subject.js';
import { describe, toMarkdown } from './report.js';
import type { Subject } from './subject.js';
import { Totals } from './totals.js';
import { locks } from './traffic/subject.js';
import { vectorsSubject } from './vectors/subject.js';
import { workflowSubject } from './workflow/subject.js';

const SUBJECTS: Record<Call['subject'], Subject> = {
  ...{
    locks,
    queue: queueSubject,
    workflow: workflowSubject,
    features: featuresSubject,
    vectors: vectorsSubject,
  },
};

/** Resolves to whether nothing was violated. */
export async function run(call: Call, interrupted: AbortSignal): Promise<boolean> {
  const totals = new Totals();
  const subject = SUBJECTS[call.subject];
  const line = (): string => totals.lineWith(subject.summarize(totals.counts));
  const begin = systemClock.now();
  const minutes = (): number => (systemClock.now() - begin) / 60_000;
  console.log(`Seed ${call.seed}.`);
  let deployed: { readonly stage: number; readonly servers: Deployed } | undefined;
  let said = 0;
  try {
    for (let number = call.first; number < call.first + call.episodes; number += 1) {
      if (interrupted.aborted || (minutes() >= call.minutes && totals.episodes > 0)) break;
      const stage = Math.floor((number - 1) / subject.stage);
      if (deployed?.stage !== stage) {
        await deployed?.servers.stop();
        deployed = undefined;
        deployed = { stage, servers: await subject.deploy(call, stage) };
      }
      const played = await playEpisode({ call, number, totals, interrupted }, deployed.servers);
      if (!played) {
        await deployed.servers.stop();
        deployed = undefined;
      }
      if (minutes() - said >= 1) {
        said = minutes();
        console.log(`${minutes().toFixed(0)} min: ${line()}`);
      }
    }
  } finally {
    await deployed?.servers.stop();
  }
  console.log(`${minutes().toFixed(1)} min: ${line()}`);
  const report = await describe(call, totals, minutes());
  if (call.json) writeFileSync(call.json, `${JSON.stringify(report, null, 2)}\n`);
  if (call.markdown) writeFileSync(call.markdown, toMarkdown(report));
  return totals.violations === 0 && totals.broken === 0;
}

interface Playing {
  readonly call: Call;
  readonly number: number;
  readonly totals: Totals;
  readonly interrupted: AbortSignal;
}

/** Resolves to false if the episode could not be carried out, so that its servers are in an unknown state. */
async function playEpisode(playing: Playing, deployed: Deployed): Promise<boolean> {
  const { call, number, totals } = playing;
  try {
    await judgedEpisode(playing, deployed);
    return true;
  } catch (error) {
    totals.broken += 1;
    console.error(`Episode ${number} could not be carried out: ${commandOf(call, number)}\n`, error);
    return false;
  }
}

async function judgedEpisode(
  { call, number, totals, interrupted }: Playing,
  deployed: Deployed,
): Promise<void> {
  const folder = unused(
    resolve(join(call.folder, `${call.subject}-${call.topology}-${call.seed}-${number}`)),
  );
  const outcome = await runEpisode(
    {
      subject: SUBJECTS[call.subject],
      number,
      seed: seedOf(call.seed, number),
      folder,
      deployed,
      keep: call.keep,
      clients: call.clients,
      workers: call.workers,
    },
    interrupted,
  );
  totals.add(outcome);
  if (outcome.violations.length === 0) return;
  for (const { rule, message } of outcome.violations.slice(0, 10))
    console.log(`VIOLATION of ${rule}: ${message}`);
  console.log(`The evidence is in ${folder}. To repeat the schedule:\n  ${commandOf(call, number)}`);
}

/** The evidence of an earlier run of the same episode is kept. */
function unused(folder: string): string {
  for (let number = 1; ; number += 1) {
    const path = number === 1 ? folder : `${folder}-again-${number}`;
    if (!existsSync(path)) return path;
  }
}

function commandOf(call: Call, number: number): string {
  const options = `--topology ${call.topology} --nodes ${call.nodes} --clients ${call.clients} --workers ${call.workers} --persistence ${call.persistence}`;
  return `npm run faults -- ${call.subject} --seed ${call.seed} --first ${number} --episodes 1 ${options}`;
}
