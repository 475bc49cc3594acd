/**
 * The image pipeline under faults: real pictures go in over HTTP while workers are killed and frozen and Redis is killed;
 * every picture ends with one thumbnail and one watermarked version.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directoryStore } from '@holdfast/fence/object-store';
import { type LocalNodes, startNodes } from '@holdfast/local';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Program } from './program.js';

let nodes: LocalNodes;
let folder = '';
const programs: Program[] = [];

beforeAll(async () => {
  nodes = await startNodes(1, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  folder = await mkdtemp(join(tmpdir(), 'pictures-'));
});
afterAll(async () => {
  for (const program of programs) program.process.kill('SIGKILL');
  await Promise.all(programs.map((program) => program.ended()));
  await nodes.stop();
  await rm(folder, { recursive: true });
});

async function start(role: string): Promise<Program> {
  const env = { REDIS_URL: nodes.urls[0] ?? '', STORE: folder, LEASE: '1000', CONCURRENCY: '2' };
  const program = new Program('image-pipeline/main.ts', [role], env);
  programs.push(program);
  await program.printed(`${role}: ready`);
  return program;
}

const picture = (n: number): Promise<Buffer> => {
  const size = { width: 210 + 37 * n, height: 230 + 23 * ((n * 7) % 24) };
  const drawn = sharp({ create: { ...size, channels: 3, background: { r: (n * 10) % 255, g: 90, b: 160 } } });
  return (n % 2 === 0 ? drawn.png() : drawn.jpeg()).toBuffer();
};

it('makes one thumbnail and one watermarked version of each picture, whatever dies', {
  timeout: 120_000,
}, async () => {
  const web = await start('web');
  const url = /http:\/\/localhost:\d+/.exec(web.output)?.[0] ?? '';
  const roles = ['thumbnails', 'thumbnails', 'watermarks', 'watermarks'];
  const workers = await Promise.all(roles.map((role) => start(role)));
  const ids: string[] = [];
  const upload = async (n: number): Promise<void> => {
    const body = await picture(n);
    // 503 says that nothing was done with it: it is sent again.
    await expect
      .poll(
        async () => {
          const answer = await fetch(`${url}/pictures`, { method: 'POST', body: new Uint8Array(body) });
          if (answer.status === 202) ids.push(((await answer.json()) as { id: string }).id);
          return answer.status;
        },
        { timeout: 30_000, interval: 50 },
      )
      .toBe(202);
  };
  const faults: Readonly<Record<number, () => unknown>> = {
    4: () => workers[0]?.process.kill('SIGKILL'),
    6: () => workers[2]?.process.kill('SIGKILL'),
    8: () => workers[1]?.process.kill('SIGSTOP'),
    9: () => start('thumbnails'),
    10: () => start('watermarks'),
    12: () => workers[3]?.process.kill('SIGSTOP'),
    16: async () => {
      const [node] = nodes.nodes;
      await node?.kill();
      await node?.start();
    },
    20: () => {
      workers[1]?.process.kill('SIGCONT');
      workers[3]?.process.kill('SIGCONT');
    },
  };
  for (let n = 0; n < 24; n += 1) {
    await faults[n]?.();
    await upload(n);
  }
  const states = (): Promise<string[]> =>
    Promise.all(
      ids.map(
        async (id) => ((await (await fetch(`${url}/pictures/${id}`)).json()) as { state: string }).state,
      ),
    );
  await expect.poll(states, { timeout: 60_000, interval: 50 }).toEqual(ids.map(() => 'done'));

  expect(new Set(ids).size).toBe(24);
  for (const id of ids) {
    const get = async (form: string) =>
      sharp(await (await fetch(`${url}/pictures/${id}/${form}`)).arrayBuffer());
    expect(await (await get('thumbnail')).metadata()).toMatchObject({
      width: 200,
      height: 200,
      format: 'jpeg',
    });
    expect((await (await get('watermarked')).metadata()).format).toBe('jpeg');
  }
  const store = directoryStore({ path: folder });
  const stored = await Promise.all(
    ids.flatMap((id) =>
      ['thumbnails', 'watermarked'].map((of) => store.get(`${of}/${id}`, new AbortController().signal)),
    ),
  );
  expect(stored.every((object) => object !== undefined)).toBe(true);
  expect((await readdir(folder)).length).toBeGreaterThan(0);
});

it('refuses what is no picture, and enqueues nothing', async () => {
  const web = await start('web');
  const url = /http:\/\/localhost:\d+/.exec(web.output)?.[0] ?? '';
  const before = (await readdir(folder)).length;
  const answer = await fetch(`${url}/pictures`, { method: 'POST', body: 'this is text' });
  expect(answer.status).toBe(415);
  expect(await answer.json()).toEqual({ error: 'That is not a picture.' });
  expect((await readdir(folder)).length).toBe(before);
  // 503 for as long as Redis does not answer in time, as on a busy machine.
  await expect.poll(async () => (await fetch(`${url}/pictures/nothing`)).status).toBe(404);
  expect(await (await fetch(url)).text()).toContain('<h1>Image pipeline</h1>');
});

it('stops in order on SIGTERM', async () => {
  const program = await start('all');
  program.process.kill('SIGTERM');
  await program.printed('all: stopped');
  expect(await program.ended()).toBe(0);
});
