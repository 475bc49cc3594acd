/**
 * @holdfast/workflow/testing: workflows in tests, without a server and without waiting. The main path: `testWorkflows`
 * (test-workflows.ts) for what a workflow does, `everyCrash` (every-crash.ts) for what it does when its worker fails.
 */
export {
  type CrashCase,
  type CrashEnd,
  type CrashWay,
  type EveryCrashOptions,
  everyCrash,
} from './every-crash.js';
export { type Checked, checkHistory, exportHistory, type History } from './history.js';
export {
  type TestWorker,
  type TestWorkflows,
  type TestWorkflowsOptions,
  testWorkflows,
} from './test-workflows.js';
