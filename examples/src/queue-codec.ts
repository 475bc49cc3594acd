/**
 * What tasks carry is encrypted before it leaves the process, under a key that is replaced while tasks wait.
 * The sample on encryption in the README of @holdfast/queue.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { type Codec, createQueue, createWorker } from '@holdfast/queue';
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

const first: [number, Buffer] = [1, randomBytes(32)];
const second: [number, Buffer] = [2, randomBytes(32)];
const before = createQueue({ redis: data, name: 'payslips', codec: encryption(new Map([first])) });
const { id } = await before.add({ account: 'DE02 1203' }); // Redis has bytes under key 1
await before.close();

const codec = encryption(new Map([first, second])); // reads both, writes under key 2
const payslips = createQueue<{ account: string }>({ redis: data, name: 'payslips', codec });
const worker = createWorker({ queue: payslips, handler: ({ data }) => `paid to ${data.account}` });
console.log(await payslips.wait(id));
// #endregion readme
await worker.stop();
const blind = createQueue({ redis: data, name: 'payslips' });
console.log(await blind.wait(id).catch(({ message }: Error) => message));
await Promise.all([payslips.close(), blind.close()]);
await stop();
