/**
 * What is wrong with a store, as far as its keys show it, and whether one may go back to what was read before.
 *
 * Guarantees: nothing is changed. What changes while it looks may be said as it was or as it is.
 */
import { lacking } from '../generation/gate.js';
import { printGeneration, readLineup } from '../generation/info.js';
import type { Catalog } from './catalog.js';
import type { Partition } from './partition.js';
import type { Survey } from './verbs.js';

export interface ViewHealth {
  /** The generation that is read. */
  readonly live: string;
  /** By previous generation, what it lacks of that, in words: a rollback waits for it. */
  readonly behind: Readonly<Record<string, readonly string[]>>;
  /** Generations that are being filled. */
  readonly filling: readonly string[];
}

export interface StoreHealth {
  /** What somebody has to do something about, in words; none in a store that is well. */
  readonly problems: readonly string[];
  /** By name, those that were applied. */
  readonly views: Readonly<Record<string, ViewHealth>>;
}

/** Throws UnavailableError; MisuseError for another number of partitions. */
export async function readHealth(
  catalog: Catalog,
  partitions: readonly Partition[],
  names: readonly string[],
): Promise<StoreHealth> {
  const pointers = await catalog.pointers(names);
  if (pointers === undefined) return { problems: ['nothing was applied; call apply()'], views: {} };
  const problems: string[] = [];
  const told = await catalog.told();
  for (const [number, n] of told.entries()) {
    if (n < pointers.n)
      problems.push(
        `partition ${number} knows change ${n} of the catalog, not the last one, ${pointers.n}; apply() tells it`,
      );
  }
  const survey = (view: string, id: string): Promise<readonly Survey[]> =>
    Promise.all(partitions.map((each) => each.call(each.verbs.survey, printGeneration(view, id))));
  for (const [number, claim] of (await catalog.claims()).entries()) {
    if (claim !== undefined && claim.until < pointers.time)
      problems.push(
        `an exporter with token ${claim.token} has begun to move the log of partition ${number} and did not come to the end; run it again`,
      );
  }
  const views: Record<string, ViewHealth> = {};
  for (const name of names) {
    const live = pointers.views.get(name)?.live;
    if (live === undefined) {
      problems.push(`the view "${name}" was never applied; call apply()`);
      continue;
    }
    const [, lineup = '', , , cutting = '', over = ''] = await catalog.change('lineup', [name, '']);
    const [id = '', , deadline = ''] = cutting.split(' ');
    if (id !== '' && pointers.time > Number(deadline))
      problems.push(
        `the builder that cuts the view "${name}" to ${id} is overdue; cut again, or abandon that generation`,
      );
    for (const each of over === '' ? [] : over.split(',')) {
      const [late = '', due] = each.split(' ');
      problems.push(
        `the generation ${late} of the view "${name}" was to be filled by ${new Date(Number(due) / 1_000).toISOString()}; go on with begin(), or abandon it: whoever begins another one ends it`,
      );
    }
    const all = readLineup(lineup);
    const now = await survey(name, live);
    problems.push(...forgotten(now).map((lane) => `the view "${name}": ${lane}`));
    const behind: Record<string, readonly string[]> = {};
    for (const each of all)
      if (each.state === 'previous') {
        const next = await survey(name, each.id);
        behind[each.id] = lacking({ from: printGeneration(name, live), old: now, next });
      }
    const filling = all.filter(({ state }) => state === 'filling').map((each) => each.id);
    views[name] = { live, behind, filling };
  }
  return { problems, views };
}

/** Lanes that have finished in some partitions and not in others, which have forgotten it, or were never told. */
function forgotten(surveys: readonly Survey[]): readonly string[] {
  const finished = new Map<string, number>();
  for (const { lanes } of surveys)
    for (const { lane, source, isFinished } of lanes)
      if (source === '' && isFinished) finished.set(lane, (finished.get(lane) ?? 0) + 1);
  return [...finished].flatMap(([lane, count]) =>
    count === surveys.length
      ? []
      : [
          `the lane "${lane}" has finished in ${count} of ${surveys.length} partitions; the others may have forgotten its rows, so run its job again`,
        ],
  );
}
