/**
 * The image pipeline of the examples beside the bare operations: the same pictures, as many processes as cores, one after
 * the other within a round.
 *
 * Guarantees: both make the same files. Whatever happens, `stop` ends the server and every process that was started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createObjectGuard, directoryStore } from '@holdfast/fence/object-store';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createQueue } from '@holdfast/queue';
import sharp from 'sharp';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, numberSpread, type Report, ratioSpread } from '../harness/report.js';
import { pairedRatio, spread } from '../harness/statistics.js';
import { atLeast } from '../harness/targets.js';

/** `npm run bench -- pipeline`. */
export const pipeline: Benchmark = {
  about: 'the image pipeline of the examples compared with the same operations without a queue',
  workloads: ['pictures'],
  open: (call) => new PipelineBenchmark(call),
};

const EXAMPLE = fileURLToPath(new URL('../../../examples/dist/image-pipeline', import.meta.url));

class PipelineBenchmark implements Run {
  readonly #call: Call;
  readonly #children = new Set<ChildProcess>();
  readonly #cores = availableParallelism();
  readonly #pictures: number;
  #nodes: LocalNodes | undefined;
  #folder = '';

  constructor(call: Call) {
    this.#call = call;
    this.#pictures = call.quick ? 24 : 1_000;
  }

  async run(): Promise<Report> {
    const environment = describeMachine();
    this.#nodes = await startNodes(1);
    this.#folder = await mkdtemp(join(tmpdir(), 'holdfast-pipeline-'));
    const originals = await this.#draw();
    const [ours, raw]: [number[], number[]] = [[], []];
    for (let round = 0; round < this.#call.rounds; round += 1) {
      const measure = [
        async () => void ours.push(await this.#throughPipeline(originals, `ours-${round}`)),
        async () => void raw.push(await this.#bare(originals, `raw-${round}`)),
      ];
      this.#call.progress(`round ${round + 1}`);
      for (const each of round % 2 === 0 ? measure : measure.reverse()) await each();
    }
    await this.stop();
    const ratio = pairedRatio(ours, raw);
    return {
      title: 'The image pipeline',
      command: this.#call.command,
      environment: { ...environment, rounds: String(this.#call.rounds), sharp: sharp.versions.sharp ?? '' },
      targets: [atLeast('pictures/s: to the bare operations', ratio, 0.85)],
      tables: [
        {
          title: 'pictures',
          about: `${this.#pictures} JPEG pictures of 1,600 x 1,200, a thumbnail and a watermarked version of each. Bare: ${this.#cores} processes that read, make and write pictures, each with its part of them. Pipeline: ${this.#cores} processes for each of the two stages, with three tasks at a time each: while one picture is written durably, another is made; the objects are written under the tokens of their tasks. libvips has one thread per process in both.`,
          columns: ['', 'pipeline', 'bare', 'pipeline to bare'],
          rows: [['pictures/s', numberSpread(spread(ours)), numberSpread(spread(raw)), ratioSpread(ratio)]],
        },
      ],
      remarks: [],
      data: { ours, raw },
    };
  }

  async stop(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    this.#children.clear();
    await this.#nodes?.stop();
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
  }

  /** Pictures with detail everywhere, so that they cost what photographs do. */
  async #draw(): Promise<Buffer[]> {
    return Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        sharp({
          create: {
            ...{ width: 1_600, height: 1_200, channels: 3, background: 'gray' },
            noise: { type: 'gaussian', mean: 100 + 5 * n, sigma: 30 },
          },
        })
          .jpeg()
          .toBuffer(),
      ),
    );
  }

  /** Pictures a second. */
  async #bare(originals: readonly Buffer[], name: string): Promise<number> {
    const folder = join(this.#folder, name, 'originals');
    await mkdir(folder, { recursive: true });
    for (let n = 0; n < this.#pictures; n += 1)
      await writeFile(join(folder, `${n}`), originals[n % originals.length] as Buffer);
    const parts = Array.from({ length: this.#cores }, (_, part) =>
      this.#start('raw.js', [folder, String(part), String(this.#cores)], {}),
    );
    const children = await Promise.all(parts);
    const begin = performance.now();
    const ended = children.map((child) => once(child, 'exit'));
    for (const child of children) child.stdin?.write('go\n');
    await Promise.all(ended);
    const seconds = (performance.now() - begin) / 1_000;
    const made = await readdir(join(folder, '..', 'watermarked'));
    if (made.length !== this.#pictures)
      throw new Error(`There are ${made.length} pictures, not ${this.#pictures}.`);
    return this.#pictures / seconds;
  }

  /** Pictures a second. */
  async #throughPipeline(originals: readonly Buffer[], name: string): Promise<number> {
    const folder = join(this.#folder, name);
    const [redis = ''] = this.#nodes?.urls ?? [];
    const pictures = createObjectGuard({ store: directoryStore({ path: folder }) });
    await using thumbnails = createQueue<{ id: string }>({ redis, name: 'thumbnails' });
    await using watermarks = createQueue({ redis, name: 'watermarks' });
    await Promise.all([thumbnails, watermarks].map((queue) => queue.obliterate({ confirm: queue.name })));
    await thumbnails.pause();
    for (let n = 0; n < this.#pictures; n += 1) {
      const id = `picture-${n}`;
      const sealed = await pictures.seal({ resource: `originals/${id}`, token: 1, issuer: 'uploads' });
      await sealed.write(originals[n % originals.length] as Buffer);
      await thumbnails.add({ id }, { id });
    }
    const env = { REDIS_URL: redis, STORE: folder, CONCURRENCY: '3' };
    const roles = ['thumbnails', 'watermarks'].flatMap((role) => Array<string>(this.#cores).fill(role));
    const children = await Promise.all(roles.map((role) => this.#start('main.js', [role], env)));
    const finished = this.#finished(watermarks);
    const begin = performance.now();
    await thumbnails.resume();
    await finished;
    const seconds = (performance.now() - begin) / 1_000;
    const ended = children.map((child) => once(child, 'exit'));
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(ended);
    return this.#pictures / seconds;
  }

  async #finished(queue: { events(): AsyncIterable<{ kind: string }> }): Promise<void> {
    let done = 0;
    for await (const { kind } of queue.events()) {
      if (kind === 'failed') throw new Error('A picture failed.');
      if (kind === 'completed') done += 1;
      if (done === this.#pictures) return;
    }
  }

  /** Resolves when the program says that it is ready. */
  async #start(program: string, args: readonly string[], env: Record<string, string>): Promise<ChildProcess> {
    const child = spawn(process.execPath, [join(EXAMPLE, program), ...args], {
      env: { ...process.env, ...env, VIPS_CONCURRENCY: '3' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    for await (const line of createInterface({ input: child.stdout })) if (line.endsWith('ready')) break;
    child.stdout?.resume();
    return child;
  }
}
