/** The steps by which a program sets and clears flags, and reads them. */
import type { Lane } from '@holdfast/features';
import { SHOPS } from './names.js';
import type { FeaturesStep } from './plan.js';
import type { Program } from './program.js';

type Step<F> = Extract<FeaturesStep, { readonly f: F }>;

export async function mark(program: Program, { told, batches, gap }: Step<'mark'>): Promise<void> {
  const lane = (await program.open('marks', { lane: 'batch', told })) as Lane<never>;
  try {
    for (const batch of batches) {
      const rows = batch.map(({ shop, values }) => ({ id: shop, values }));
      const { outcomes } = await lane.land(rows as never);
      if (outcomes.some((outcome) => outcome !== 'accepted'))
        program.oracle.violate('outcomes', `flags were answered with ${outcomes.join(' ')}`);
      if (gap > 0) await program.sleep(gap);
    }
  } finally {
    await lane.close();
  }
}

export async function readMarks({ store, definitions, oracle }: Program): Promise<void> {
  const since = oracle.now;
  const rows = await store.rows(definitions.marks, SHOPS);
  for (const [index, { values }] of rows.entries()) oracle.flags.judge(SHOPS[index] ?? '', values, since);
}
