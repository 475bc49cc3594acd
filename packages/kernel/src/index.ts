/**
 * @holdfast/kernel: time, randomness, tokens, deadlines and errors. No input or output; Node built-ins only.
 * Applications use it through the packages that stand on it; it exports what those share.
 */
export { type BackoffOptions, backoff } from './backoff.js';
export { type Clock, systemClock, type Timer, type TimerOptions } from './clock.js';
export type { Codec, CodecContext } from './codec.js';
export { Coder, plainValue, requireJson, sealedIn, withoutCodec } from './coder.js';
export { onAbort, pause, throwIfAborted, unlessAborted, within } from './deadline.js';
export { formatDuration } from './durations.js';
export {
  AbortedError,
  BusyError,
  CodecError,
  type ErrorCode,
  type ErrorCodes,
  HoldfastError,
  LeaseLostError,
  MisuseError,
  type NodeReason,
  NonRetryableError,
  UnavailableError,
} from './errors.js';
export { type ClaimOptions, requireClaim, type TokenClaim, type TokenHolder } from './holder.js';
export { encodeJson } from './json.js';
export { LeaseSignal, type LeaseSignalOptions } from './lease-signal.js';
export { COMMON_LIMITS, differentLimits, type Rate, readRate, shareOf } from './limits.js';
export {
  abortSignal,
  callback,
  duration,
  fitting,
  flag,
  fraction,
  group,
  groupOrDefaults,
  having,
  list,
  oneOf,
  optional,
  orSystemClock,
  orSystemRandom,
  passedOn,
  type Reader,
  type Readers,
  readOptions,
  type Settings,
  text,
  whole,
  withDefault,
} from './option-readers.js';
export { display, requireDuration, requireName, requirePrefix } from './options.js';
export { type Random, seededRandom, systemRandom } from './random.js';
export {
  type Backoff,
  type CustomBackoff,
  DEFAULT_BACKOFF,
  delayFor,
  readBackoff,
} from './retry-backoff.js';
export { checkData, readSchema, type Schema, validateData } from './schema.js';
export { causesOf, isNonRetryable, messageOf, stackOf } from './thrown.js';
export { requireToken } from './token.js';
export { type Allowance, renewalDue, validityOf, validUntil } from './validity.js';
