/**
 * @holdfast/telemetry: the ways to observe Holdfast. For programs: `logTo` (log.ts) and `listen` (listen.ts). For the other
 * packages: `Scope` (scope.ts) with its instruments, channels and spans, and `Gauges` (gauges.ts).
 */

export {
  counter,
  duration,
  type InstrumentDeclaration,
  longDuration,
  upDownCounter,
} from './declarations.js';
export {
  type GaugeOptions,
  Gauges,
  type Observed,
  type ObservedGauge,
  type ObservedHistogram,
} from './gauges.js';
export type { Instrument } from './instruments.js';
export { type Endpoints, type ListenOptions, listen } from './listen.js';
export { type Logger, type LogLevel, logTo } from './log.js';
export { joinTexts, PROMETHEUS } from './prometheus.js';
export { endSpan, errorType, Scope, type ScopeOptions, type SpanStart, within } from './scope.js';
export { openTally, type Tally } from './tally.js';
