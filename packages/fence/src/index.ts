/**
 * @holdfast/fence: guards, the check at the protected resource. This entry has the contract and its errors; each store
 * has an entry of its own: @holdfast/fence/redis.
 */
export {
  BusyError,
  type ClaimOptions,
  HoldfastError,
  MisuseError,
  type TokenClaim,
  type TokenHolder,
  UnavailableError,
} from '@holdfast/kernel';
export { IssuerMismatchError, type StaleReason, StaleTokenError } from './errors.js';
export type { Guard, Sealed } from './guard.js';
export type { GuardKind, RefusedMessage } from './refused.js';
