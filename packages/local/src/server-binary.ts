/**
 * Finds the Redis server on this machine.
 *
 * Guarantees: what it returns exists and may be executed. Otherwise it throws a MisuseError that says how to get one.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { MisuseError } from '@holdfast/kernel';

const NAMES = ['redis-server', 'valkey-server'];

const HOW_TO_GET_ONE =
  'install one (apt-get install redis-server, brew install redis) or give the path of one in HOLDFAST_REDIS_SERVER';

/**
 * The absolute path of the server: of HOLDFAST_REDIS_SERVER, or else the first redis-server, or else valkey-server, on
 * PATH. Throws MisuseError if there is none.
 */
export function findServer(environment: NodeJS.ProcessEnv = process.env): string {
  const chosen = environment['HOLDFAST_REDIS_SERVER'];
  if (chosen) {
    if (isExecutable(chosen)) return resolve(chosen);
    throw new MisuseError(
      `HOLDFAST_REDIS_SERVER names "${chosen}", which is not a program that can be run; ${HOW_TO_GET_ONE}.`,
    );
  }
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const name of NAMES) {
    const found = folders.map((folder) => join(folder, name)).find(isExecutable);
    if (found) return resolve(found);
  }
  throw new MisuseError(`There is no redis-server or valkey-server on PATH; ${HOW_TO_GET_ONE}.`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
