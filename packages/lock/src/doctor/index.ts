/**
 * @holdfast/lock/doctor: what is wrong with the nodes of a deployment, or will cause problems, and what to do. The main path:
 * `examine`, which reads facts from all nodes (collect.ts) and judges them (judge.ts).
 *
 * @internal For tools of Holdfast.
 */
export { collect } from './collect.js';
export { type Examined, examine } from './examine.js';
export type { Facts, NodeFacts } from './facts.js';
export type { Diagnosis, Finding, Severity, Summary } from './findings.js';
export { judge } from './judge.js';
export { sayRestart } from './restart.js';
export { rightsFor } from './rights.js';
