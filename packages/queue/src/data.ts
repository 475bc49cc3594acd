/**
 * The data of tasks as text, as a queue keeps them.
 *
 * Guarantees: data that JSON would lose or alter are refused with a MisuseError that says where they are, and so are
 * data that are too large.
 */
import { encodeJson } from '@holdfast/kernel';

export const ADVICE = 'keep large things elsewhere and enqueue their address';

/** Throws MisuseError if the data are not JSON, or have more than `most` bytes; `of` begins the message. */
export const encodeData = (data: unknown, most: number, of: string): string =>
  encodeJson(data, { of, most, advice: ADVICE });
