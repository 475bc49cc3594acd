/**
 * @holdfast/fence: guards, the check at the protected resource. This entry has the contract and its errors; each store
 * has an entry of its own: @holdfast/fence/redis.
 */
export {
  BusyError,
  type ClaimOptions,
  HoldfastError,
  MisuseError,
  type StaleReason,
  StaleTokenError,
  type TokenClaim,
  type TokenHolder,
  UnavailableError,
} from '@holdfast/kernel';
export type { Guard, Sealed } from './guard.js';
export { type GuardKind, IssuerMismatchError, type RefusedMessage } from './refused.js';
