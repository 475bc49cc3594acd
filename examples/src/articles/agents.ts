/**
 * The agents: writers, who outline and draft, and editors. A call of their model is a step; one that was answered is not made
 * again. Requests and tokens a minute are those of all their workers together: what does not fit waits, without a worker.
 */
import { defineWorkflow, type Workflow } from '@holdfast/workflow';
import { durableModel, type ModelLimits } from '@holdfast/workflow/ai';
import { generateText, type LanguageModel } from 'ai';
import type { Assignment } from './article.js';

type Model = Exclude<LanguageModel, string>;

export const outline = (model: Model, limits: ModelLimits): Workflow<string, string[]> =>
  defineWorkflow({ name: 'outline' }, async (ctx, topic: string) => {
    const system = 'You outline articles. Answer with the headings, one a line.';
    const { text } = await generateText({
      model: durableModel(ctx, model, { limits }),
      system,
      prompt: topic,
    });
    return text.split('\n');
  });

export const draft = (model: Model, limits: ModelLimits): Workflow<Assignment, string> =>
  defineWorkflow({ name: 'draft' }, async (ctx, assignment: Assignment) => {
    const system = 'You write one section of an article. Heed the corrections.';
    const prompt = JSON.stringify(assignment);
    return (await generateText({ model: durableModel(ctx, model, { limits }), system, prompt })).text;
  });

export const edit = (model: Model, limits: ModelLimits): Workflow<string, string> =>
  defineWorkflow({ name: 'edit' }, async (ctx, text: string) => {
    const system = 'You edit articles: shorten them, and change no fact.';
    return (await generateText({ model: durableModel(ctx, model, { limits }), system, prompt: text })).text;
  });
