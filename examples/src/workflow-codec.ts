/**
 * What a run is given and gives is encrypted before it leaves the process, under a key that is replaced while it sleeps.
 * The sample on encryption in the README of @holdfast/workflow.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { type Codec, createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { data, stop } from './nodes.js';

// #region readme
/** AES-256-GCM. The first byte names the key: what is new goes under the last one, and all of them can be read. */
function encryption(keys: ReadonlyMap<number, Buffer>): Codec {
  return {
    encode(bytes, { owner }) {
      const [number, key] = [...keys].at(-1) as [number, Buffer];
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(owner));
      const text = Buffer.concat([cipher.update(bytes), cipher.final()]);
      return Buffer.concat([Buffer.of(number), iv, cipher.getAuthTag(), text]);
    },
    decode(bytes, { owner }) {
      const key = keys.get(bytes[0] ?? 0);
      if (key === undefined) throw new Error(`there is no key ${bytes[0]} here`);
      const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 13));
      cipher.setAAD(Buffer.from(owner)).setAuthTag(bytes.subarray(13, 29));
      return Buffer.concat([cipher.update(bytes.subarray(29)), cipher.final()]);
    },
  };
}
// #endregion readme

const letter = defineWorkflow({ name: 'letter' }, async (ctx, account: string) => {
  const text = await ctx.step('write', () => `Dear ${account}`);
  return `${text}, ${await ctx.receive<string>('end')}`;
});
const first: [number, Buffer] = [1, randomBytes(32)];
const second: [number, Buffer] = [2, randomBytes(32)];

const before = createWorkflows({ redis: data, workflows: [letter], codec: encryption(new Map([first])) });
before.work();
const { id } = await before.start(letter, 'eve');
await before.close();

const after = createWorkflows({
  redis: data,
  workflows: [letter],
  codec: encryption(new Map([first, second])),
});
after.work();
await after.get(letter, id).send('end', 'yours');
console.log(await after.get(letter, id).result());
await after.close();
await stop();
