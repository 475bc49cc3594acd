/**
 * The schemas of values that several operations take or answer.
 */
import { z } from 'zod';

/** Text that has a UTF-8: no halves of characters. */
const wellFormed = z.string().refine((text) => !/\p{Cs}/u.test(text), 'is not well-formed');

export const queueName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}(?:\.\d{1,3})?(?:@[A-Za-z0-9_-]{1,64})?$/)
  .describe('1 to 64 letters, digits, "_" and "-"; or "<queue>@<group>" for a group of a queue.');

export const workflowName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/)
  .describe('1 to 64 letters, digits, "_" and "-".');

/** An id of a task or the like. */
export const id = wellFormed
  .min(1)
  .refine((text) => Buffer.byteLength(text) <= 256, 'has more than 256 bytes')
  .describe('1 to 256 bytes of UTF-8.');

export const key = wellFormed.min(1).max(512);

/** Any JSON; it must be given. */
export const json = z.unknown().refine((value) => value !== undefined, 'is missing');

/** Whole milliseconds. */
export const duration = (min: number, max: number): z.ZodInt => z.int().min(min).max(max);

/** A whole number in a query. */
export const count = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** How long a request may wait, in ms: below the 60 s of common proxies. */
export const wait = count(0, 30_000).default(0).describe('How long to wait, in ms. Default 0.');

const MOST_DIMENSIONS = 8_192;

/** Strictly: what is no base64, or ends within a number, is not a vector. */
function float32sOf(text: string): Float32Array | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0 || bytes.length % 4 !== 0 || bytes.length > 4 * MOST_DIMENSIONS) return undefined;
  // The pool that small buffers share need not begin at a whole number.
  const own = new ArrayBuffer(bytes.length);
  bytes.copy(new Uint8Array(own));
  return new Float32Array(own);
}

/** A vector as JSON has it, or as its bytes: less than half of the size, and its numbers need not be read one by one. */
export const vector = z
  .union(
    [
      z
        .string()
        .max(Math.ceil((4 * MOST_DIMENSIONS) / 3) * 4)
        .transform((text, context) => {
          const read = float32sOf(text);
          if (read !== undefined) return read;
          context.addIssue({ code: 'custom', message: 'is no base64 of 32-bit floats' });
          return z.NEVER;
        }),
      z.array(z.number()).min(1).max(MOST_DIMENSIONS),
    ],
    {
      error: `is not accepted: give 1 to ${MOST_DIMENSIONS} numbers, or their 32-bit floats, little-endian, as base64`,
    },
  )
  .describe('Numbers, or their 32-bit floats, little-endian, as base64.');

export const none = z.strictObject({});
