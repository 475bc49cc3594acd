/** A hash as a whole. */
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
