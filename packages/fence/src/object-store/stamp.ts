/**
 * How a mark is kept in an object in S3: as metadata, which shows it, and as a stamp at the end of the body, which
 * makes the ETag depend on it. S3 derives the ETag from the body alone; without the stamp, raising a token would not
 * change it, and the overtaken holder's If-Match would still hold.
 *
 * Guarantees: the stamp is a digest of the mark in 64 characters of white space, so a reader of JSON and of most text
 * does not notice it. A body that lacks the stamp of its metadata was changed past the guard: that throws.
 */
import { createHash } from 'node:crypto';
import { MisuseError } from '@holdfast/kernel';
import type { Mark } from './store.js';

/** The white space of JSON: one character for two bits. */
const DIGITS = ' \t\n\r';
const STAMP_BYTES = 16;

type Metadata = Readonly<Record<string, string>>;

const TOKEN = 'holdfast-token';
/** Percent-encoded; absent in a mark that was made before issuers were kept. */
const ISSUER = 'holdfast-issuer';
const WRITE = 'holdfast-write';
const STATE = 'holdfast-state';

export const isMarkName = (name: string): boolean => [TOKEN, ISSUER, WRITE, STATE].includes(name);

export function encodeMark({ token, issuer, write, empty }: Mark): Metadata {
  return {
    [TOKEN]: String(token),
    ...(issuer !== undefined && { [ISSUER]: encodeURIComponent(issuer) }),
    [WRITE]: write,
    [STATE]: empty ? 'empty' : 'content',
  };
}

export function stamped(body: Uint8Array, mark: Mark): Buffer {
  return Buffer.concat([body, stampOf(mark)]);
}

/** The mark and the content of an object as it was stored; no mark if it was put past the guard. */
export function unstamp(
  where: string,
  stored: Buffer,
  metadata: Metadata,
): { readonly mark: Mark | undefined; readonly body: Buffer } {
  if (!Object.keys(metadata).some(isMarkName)) return { mark: undefined, body: stored };
  const { [TOKEN]: token = '', [WRITE]: write = '', [STATE]: state = '' } = metadata;
  const mark = { token: Number(token), issuer: decoded(metadata[ISSUER]), write, empty: state === 'empty' };
  const stamp = stampOf(mark);
  const end = stored.length - stamp.length;
  const whole = Number.isSafeInteger(mark.token) && mark.token > 0 && write !== '';
  if (!whole || !/^(empty|content)$/.test(state) || end < 0 || !stored.subarray(end).equals(stamp)) {
    throw new MisuseError(
      `${where} was changed past the guard: its content does not belong to the mark in its metadata. ` +
        'While nobody holds it, put its content there again without that metadata.',
    );
  }
  return { mark, body: stored.subarray(0, end) };
}

/** A value that cannot be decoded belongs to no mark of ours, so its stamp does not fit. */
function decoded(issuer: string | undefined): string | undefined {
  try {
    return issuer === undefined ? undefined : decodeURIComponent(issuer);
  } catch {
    return issuer;
  }
}

function stampOf({ token, issuer, write, empty }: Mark): Buffer {
  const by = issuer === undefined ? '' : ` ${issuer}`;
  const digest = createHash('sha256')
    .update(`${token} ${write} ${empty}${by}`)
    .digest()
    .subarray(0, STAMP_BYTES);
  const spaces = [...digest].flatMap((byte) =>
    [byte >> 6, byte >> 4, byte >> 2, byte].map((bits) => DIGITS[bits & 3]),
  );
  return Buffer.from(spaces.join(''));
}
