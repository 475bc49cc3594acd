/** The coder: what a codec gives and takes, and one that does not answer. */
import { type Clock, CodecError, Coder, plainValue, sealedIn, type Timer } from '@holdfast/kernel';
import { expect, it } from 'vitest';

/** Its timers are due at once. */
const hasty = {
  after: (_: number, call: () => void): Timer => {
    const timer = setImmediate(call);
    return { cancel: () => clearImmediate(timer) } as Timer;
  },
} as unknown as Clock;
const turn = (data: Uint8Array): Uint8Array => Uint8Array.from(data).reverse();

it('gives back the text that was encoded, and reads what was not', async () => {
  const coder = new Coder({ encode: turn, decode: async (data) => turn(data) }, 'queue:q', hasty);
  for (const text of ['{"a":"ü~"}', '"~"', 'null']) {
    const encoded = await coder.encode(text);
    expect(sealedIn(encoded)).toBeDefined();
    expect(await coder.decode(encoded)).toBe(text);
    expect(await coder.decode(text)).toBe(text);
    expect(() => plainValue(encoded)).toThrow(CodecError);
  }
  expect(await coder.decodeReason(await coder.encode('no JSON'))).toBe('no JSON');
  await expect(coder.decode(await coder.encode('no JSON'))).rejects.toThrow('what encode was given');
});

it('gives a codec up that has not answered for 10 s, and takes no nonsense', async () => {
  const silent = new Promise<Uint8Array>(() => {});
  const coder = new Coder({ encode: () => silent, decode: () => silent }, 'queue:q', hasty);
  await expect(coder.encode('1')).rejects.toThrow(
    'The codec of queue:q did not encode what was to be kept: it has not answered for 10 s. Nothing was done.',
  );
  await expect(coder.decode('~MQ==')).rejects.toMatchObject({ code: 'HOLDFAST_CODEC', owner: 'queue:q' });
  const wrong = { encode: () => 'text' as never, decode: () => undefined as never };
  const nonsense = new Coder(wrong, 'queue:q', hasty);
  await expect(nonsense.encode('1')).rejects.toThrow('encode did not give a Uint8Array');
  await expect(nonsense.decode('~MQ==')).rejects.toThrow('decode did not give a Uint8Array');
});
