/** The checkers: a service that knows rules instead of a model. What it knows is passed in. */
import { defineWorkflow, type Workflow } from '@holdfast/workflow';

/** Gives a sentence for each mistake in a section, which says how it is. */
export const factCheck = (
  founded: (city: string) => Promise<number | undefined>,
): Workflow<string, string[]> =>
  defineWorkflow({ name: 'fact-check' }, async (ctx, section: string) => {
    const claims = [...section.matchAll(/(\w+) was founded in (\d+)\./g)];
    const checked = await ctx.map(claims, async (claim, [, city = '', year]) => {
      const known = await claim.step(`founded ${city}`, () => founded(city));
      return known === undefined || known === Number(year) ? [] : [`${city} was founded in ${known}.`];
    });
    return checked.flat();
  });
