/** A hash as a whole, and single fields of it. */
import type { BinaryReply, CallCommand } from '@holdfast/redis';

/** The fields of the hash under a key. */
export const HGETALL: CallCommand<string, ReadonlyMap<string, string>> = {
  ...{ command: 'HGETALL', binary: true, keys: [], most: 1 },
  encode: ({ request }, keys) => void keys.push(request),
  decode(reply) {
    const flat: readonly BinaryReply[] = Array.isArray(reply)
      ? reply
      : [...(reply as unknown as ReadonlyMap<BinaryReply, BinaryReply>)].flat();
    const fields = new Map<string, string>();
    for (let place = 0; place < flat.length; place += 2)
      fields.set(String(flat[place]), String(flat[place + 1]));
    return [fields];
  },
};

/** A field of a hash. */
interface Field {
  readonly key: string;
  readonly field: string;
}

/** Undefined if there is none. */
export const HGET: CallCommand<Field, string | undefined> = {
  ...{ command: 'HGET', binary: true, keys: [], most: 1 },
  encode({ request: { key, field } }, keys, args) {
    keys.push(key);
    args.push(field);
  },
  decode: (reply) => [reply === null ? undefined : String(reply)],
};

export const HSET: CallCommand<Field & { readonly value: string }, void> = {
  ...{ command: 'HSET', binary: true, keys: [], most: 1 },
  encode({ request: { key, field, value } }, keys, args) {
    keys.push(key);
    args.push(field, value);
  },
  decode: () => [undefined],
};

export const HDEL: CallCommand<Field, void> = {
  ...{ command: 'HDEL', binary: true, keys: [], most: 1 },
  encode({ request: { key, field } }, keys, args) {
    keys.push(key);
    args.push(field);
  },
  decode: () => [undefined],
};
