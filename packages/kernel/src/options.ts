/**
 * Checks of values that a caller passes in. Each throws a MisuseError that names the option, the value and the limits.
 */
import { MisuseError } from './errors.js';

/** A duration in whole milliseconds within `[min, max]`. */
export function requireDuration(option: string, value: unknown, { min = 0, max = 2 ** 31 - 1 } = {}): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new MisuseError(
    `${option} is a whole number of milliseconds from ${min} to ${max}; got ${display(value)}.`,
  );
}

/** Control characters, and halves of characters, all of which become the same in UTF-8. */
const UNFIT = /[\p{Cc}\p{Cs}]/u;

/** A name that can stand in a Redis key: 1 to 512 characters, well-formed, no control characters. */
export function requireName(option: string, value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= 512 && !UNFIT.test(value)) {
    return value;
  }
  throw new MisuseError(
    `${option} is a well-formed string of 1 to 512 characters without control characters; got ${display(value)}.`,
  );
}

/** The beginning of every key, so that environments can share a Redis: up to 64 characters, none by default. */
export function requirePrefix(option: string, value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/-]{0,64}$/.test(value)) return value;
  throw new MisuseError(
    `${option} is a string of up to 64 letters, digits and "_.:/-"; got ${display(value)}.`,
  );
}

/** A value as messages show it: short, and only the beginning of a string. Never throws, whatever the value is. */
export function display(value: unknown): string {
  try {
    return shown(value);
  } catch {
    return 'a value that cannot be shown'; // such as a revoked Proxy
  }
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : value.toISOString();
  if (Array.isArray(value) && value.length === 0) return '[]';
  if (typeof value === 'object' && value !== null) return Object.prototype.toString.call(value);
  const text = String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
