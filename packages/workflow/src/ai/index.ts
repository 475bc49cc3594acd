/**
 * @holdfast/workflow/ai: agents of the `ai` SDK, versions 6 and 7, whose calls of models and tools are steps of a run. The
 * main path: `durableModel` (model.ts) and `durableTools` (tools.ts), which generateText and streamText take as they are.
 */
export { BudgetExceededError } from '../errors.js';
export { Budget, type BudgetOptions } from './budget.js';
export { ModelLimits, type ModelLimitsOptions, modelLimits } from './limits.js';
export { type DurableModelOptions, durableModel } from './model.js';
export type { LanguageModel, Tools } from './sdk.js';
export { type DurableToolsOptions, durableTools, type ToolApproval } from './tools.js';
