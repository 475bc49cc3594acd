/**
 * A copy of the packages with one mistake in it, loaded beside the shipped ones.
 *
 * Guarantees: the shipped code has no switches for mistakes. What has no mistake in it is what was built. A canary whose text no longer stands in its file, or stands
 * there twice, is an error.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { threadId } from 'node:worker_threads';
import { type Subject, shipped } from '../run/subject.js';
import type { Canary } from './canary.js';
import { CANARIES } from './catalogue.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const PACKAGES = [
  ...['kernel', 'redis', 'telemetry', 'fence', 'lock', 'queue', 'workflow', 'features', 'vectors'],
];

/** The shipped code, or that with the mistake of this name. */
export async function loadSubject(name: string | undefined): Promise<Subject> {
  if (name === undefined) return shipped;
  const canary = CANARIES.find((known) => known.name === name);
  if (canary === undefined) {
    throw new Error(
      `There is no canary "${name}"; there are: ${CANARIES.map((known) => known.name).join(', ')}.`,
    );
  }
  const folder = await build(canary);
  const load = async (file: string): Promise<Subject> => import(pathToFileURL(join(folder, file)).href);
  const { createLocks, LeaseLostError } = await load('lock/dist/index.js');
  const { createRedisGuard } = await load('fence/dist/redis/index.js');
  const { createQueue, createWorker, NonRetryableError } = await load('queue/dist/index.js');
  const { createLatch } = await load('queue/dist/latch.js');
  const { openRemote } = await load('queue/dist/remote.js');
  const { createWorkflows, defineWorkflow } = await load('workflow/dist/index.js');
  const features: Subject['features'] = await import(
    pathToFileURL(join(folder, 'features/dist/index.js')).href
  );
  const vectors: Subject['vectors'] = await import(pathToFileURL(join(folder, 'vectors/dist/index.js')).href);
  return {
    ...{ createLocks, LeaseLostError, createRedisGuard, createQueue, createWorker, NonRetryableError },
    ...{ createLatch, openRemote, createWorkflows, defineWorkflow, features, vectors },
  };
}

/** Makes the copy where the packages find each other and what they depend on. */
async function build(canary: Canary): Promise<string> {
  const cache = join(ROOT, 'node_modules', '.cache', 'holdfast-canaries');
  const place = `${canary.name.replaceAll(' ', '-')}-${process.pid}-${threadId}`;
  const folder = join(cache, place, 'node_modules', '@holdfast');
  await rm(join(cache, place), { recursive: true, force: true });
  for (const name of PACKAGES) await copyPackage(name, folder);
  for (const file of new Set(canary.changes.map((change) => change.file))) await change(file, folder, canary);
  return folder;
}

async function copyPackage(name: string, folder: string): Promise<void> {
  const from = join(ROOT, 'packages', name);
  const to = join(folder, name);
  await mkdir(to, { recursive: true });
  const manifest = await readFile(join(from, 'package.json'), 'utf8');
  await writeFile(join(to, 'package.json'), manifest.replaceAll(/"@holdfast\/source": "[^"]*",?\s*/g, ''));
  const filter = (path: string): boolean => !/\.(?:d\.ts|map)$/.test(path);
  for (const part of ['dist', 'lua'])
    if (existsSync(join(from, part))) await cp(join(from, part), join(to, part), { recursive: true, filter });
}

/** Puts the mistake into one file of the copy. */
async function change(file: string, folder: string, canary: Canary): Promise<void> {
  const text = mutate(canary, file, await readFile(join(ROOT, file), 'utf8'));
  const target = join(folder, file.replace(/^packages\//, ''));
  if (file.endsWith('.lua')) return writeFile(target, text);
  // A large package, of which all else needs nothing.
  const { default: ts } = await import('typescript');
  await writeFile(target.replace('/src/', '/dist/').replace(/\.ts$/, '.js'), transpile(ts, text));
}

function mutate(canary: Canary, file: string, text: string): string {
  let mutated = text;
  for (const change of canary.changes.filter((each) => each.file === file)) {
    const parts = mutated.split(change.find);
    if (parts.length !== 2) {
      throw new Error(
        `The canary "${canary.name}" does not fit: "${change.find}" stands ${parts.length - 1} times in ${file}.`,
      );
    }
    mutated = parts.join(change.replace);
  }
  return mutated;
}

const transpile = (ts: typeof import('typescript'), text: string): string =>
  ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
    },
  }).outputText;
