/**
 * The reference case of agents: an article is outlined, drafted, checked, edited and published, each by workers of its own.
 *
 * The desk knows the others by the names of their workflows only. What it asks of them are children of its run: which worker
 * does them, how many there are, and what they are written with is nothing to it. So each kind of worker is deployed and
 * scaled apart, by `workflows.demand()`.
 *
 * Guarantees: an article is published once, whichever workers die or freeze on the way, and nothing is asked of a model again
 * that it has answered.
 */
import { defineWorkflow, NonRetryableError, type Step, type Workflow } from '@holdfast/workflow';
import { z } from 'zod';

/** What the writers are asked for: `outline` gives headings for a topic, `draft` a section. */
export interface Assignment {
  readonly topic: string;
  readonly heading: string;
  /** What an earlier draft has got wrong. */
  readonly corrections: readonly string[];
}

export interface Article {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

export const Brief = z.object({ id: z.string(), topic: z.string() });
export type Brief = z.infer<typeof Brief>;

/** Drafts of a section that the checkers may refuse. */
const DRAFTS = 3;

/** `publish` is behind a guard: it publishes an article once, however often it is called. */
export function article(publish: (step: Step, article: Article) => Promise<void>): Workflow<Brief, Article> {
  return defineWorkflow({ name: 'article', input: Brief }, async (ctx, { id, topic }) => {
    const stage = (name: string): void => ctx.state.set({ stage: name }); // for whoever watches: run.state()

    stage('outline');
    const headings = await ctx.child<string, string[]>('outline', topic);

    stage('draft');
    // Each section goes its own way to a draft in which the checkers find nothing, ten at a time.
    const sections = await ctx.map(headings, async (section, heading) => {
      let corrections: readonly string[] = [];
      for (let draft = 1; draft <= DRAFTS; draft += 1) {
        const assignment = { topic, heading, corrections };
        const text = await section.child<Assignment, string>('draft', assignment);
        corrections = await section.child<string, string[]>('fact-check', text);
        if (corrections.length === 0) return text;
      }
      throw new NonRetryableError(`"${heading}" is wrong after ${DRAFTS} drafts: ${corrections.join(' ')}`);
    });

    stage('edit');
    const text = await ctx.child<string, string>('edit', sections.join('\n\n'));

    stage('publish');
    const ready = { id, title: topic, text };
    await ctx.step('publish', (step) => publish(step, ready));
    return ready;
  });
}
