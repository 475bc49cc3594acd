/**
 * The codec of simulated processes, as one is that encrypts: what is encoded twice differs, the first byte names the key, and
 * processes are given the second key one after the other. Until all is healed it may also fail now and then.
 *
 * Guarantees: who sees everything can read what it has made (`opened`), whichever keys there are.
 */
import type { Codec } from '@holdfast/queue';
import type { Machine } from '../world/machine.js';
import type { World } from '../world/world.js';
import type { QueuePlan } from './plan.js';

/** That of a process; undefined for one that has none. */
export function codecOf(world: World<QueuePlan>, place: number, machine: Machine): Codec | undefined {
  const { healAt, queue } = world.plan;
  const { codec: plan } = queue;
  const given = plan?.given[place];
  if (plan === undefined || given === null || given === undefined) return undefined;
  const now = (): number => world.scheduler.now / 1_000;
  let calls = 0;
  const turn = async (make: () => Uint8Array): Promise<Uint8Array> => {
    calls += 1;
    const number = calls;
    if (plan.takes > 0) await new Promise<void>((resolve) => machine.clock.after(plan.takes, resolve));
    if (plan.fails > 0 && number % plan.fails === 0 && now() < healAt) throw new Error('the codec fails');
    return make();
  };
  const has = (key: number): boolean => key === 1 || (key === 2 && now() >= given);
  return {
    encode: (data) => turn(() => turned(data, { key: has(2) ? 2 : 1, nonce: calls % 256 })),
    decode: (data) =>
      turn(() => {
        if (!has(data[0] ?? 0)) throw new Error(`there is no key ${data[0]} yet`);
        return openedBytes(data);
      }),
  };
}

function turned(
  data: Uint8Array,
  { key, nonce }: { readonly key: number; readonly nonce: number },
): Uint8Array {
  return Uint8Array.from([key, nonce, ...masked(data, 31 * key + nonce)]);
}

const openedBytes = (data: Uint8Array): Uint8Array =>
  masked(data.subarray(2), 31 * (data[0] ?? 0) + (data[1] ?? 0));

const masked = (data: Uint8Array, mask: number): Uint8Array => data.map((byte) => byte ^ mask);

/** What the codec was given for this Base64. */
const opened = (sealed: string): string => Buffer.from(openedBytes(Buffer.from(sealed, 'base64'))).toString();

/** The text of a result, opened if it is encoded. */
export const openedText = (text: string): string => (text.startsWith('~') ? opened(text.slice(1)) : text);

/** The message of an error, opened if it is encoded. */
export const openedMessage = (message: string): string =>
  message.startsWith('\u0003') ? opened(message.slice(1)) : message;

/** The data of a task as its producer gave them; `options`: JSON as they are kept, or ''. */
export function openedData(data: string, options: string): { readonly name: string } {
  const { c } = options === '' ? {} : (JSON.parse(options) as { c?: 1 });
  return JSON.parse(c === undefined ? data : opened(JSON.parse(data)));
}

/** Those of the body of a record. */
export function dataOfBody(body: string): { readonly name: string } {
  const { d, o = {} } = JSON.parse(body) as { d: unknown; o?: object };
  return openedData(JSON.stringify(d), JSON.stringify(o));
}
