/**
 * What all parts of the pipeline share: the queues of its two stages, and the pictures in a directory. Settings come from
 * the environment: REDIS_URL, STORE (a folder), LEASE (in ms), CONCURRENCY, PORT.
 */
import { availableParallelism } from 'node:os';
import { createObjectGuard, directoryStore } from '@holdfast/fence/object-store';
import { createQueue } from '@holdfast/queue';

export interface Picture {
  /** The name of its objects: originals/<id>, thumbnails/<id>, watermarked/<id>. */
  readonly id: string;
}

const { env } = process;
const redis = env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';

export const settings = {
  port: Number(env['PORT'] ?? 0),
  lease: Number(env['LEASE'] ?? 30_000),
  concurrency: Number(env['CONCURRENCY'] ?? availableParallelism()),
};

/** A result says nothing that the objects do not, so few are kept. A picture that fails is tried ten times. */
const options = { redis, attempts: 10, limits: { retain: { count: 1_000 } } };

export const thumbnails = createQueue<Picture>({ ...options, name: 'thumbnails' });
export const watermarks = createQueue<Picture>({ ...options, name: 'watermarks' });

/** Every write names the token of its task: one that is below another's is refused. */
export const pictures = createObjectGuard({ store: directoryStore({ path: env['STORE'] ?? 'pictures' }) });
