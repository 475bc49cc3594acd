/**
 * `holdfast keys`: makes the API keys that `holdfast serve` asks for.
 *
 * Guarantees: a key is shown once, when it is made; the file has only its SHA-256. The file is replaced as a whole, so that a
 * server never reads half of it.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { messageOf, systemRandom } from '@holdfast/kernel';
import { type Arguments, given } from '../../arguments.js';
import type { Command, CommandGroup } from '../../command.js';
import { EXIT } from '../../exit-codes.js';
import { JSON_OUTPUT, type Option } from '../../options.js';
import { KEYS, SERVER_KEY } from '../serve/options.js';
import { library } from '../serve/serve.js';

const SCOPES: Option = {
  name: 'scopes',
  value: '<scope,…>',
  required: true,
  about: 'What the key may do, such as "queues:read,queues:write=images-*", or "*" for everything. Required.',
};

const NOT_AFTER: Option = {
  name: 'not-after',
  value: '<time>',
  about: 'When the key expires, such as 2027-01-31T12:00:00Z. Default: never.',
};

const QUOTAS: Option = {
  name: 'quotas',
  value: '<name=number,…>',
  about:
    'How much the subject may have stored and held, such as "tasks=1000,leases=50"; also taskBytes, runs, runBytes and schedules. Default: any amount.',
};

const SUBJECT_OPERAND = { name: 'subject', about: 'who has the key' };
const ID_OPERAND = { name: 'id', about: 'the id of the key, or "all"' };

const KEYS_FILE: Option = { ...KEYS, required: true, about: 'The file of the keys. Required.' };

const OF_EVERY_ACTION = {
  shared: [],
  exitCodes: [
    ['0', 'done'],
    ['64', 'the command line or the file is wrong'],
  ],
} as const satisfies Partial<Command>;

interface Listed {
  /** Whether servers are to change nothing. */
  readonly readOnly?: boolean;
  readonly keys: readonly {
    readonly id: string;
    readonly subject: string;
    readonly scopes: readonly string[];
  }[];
}

const create: Command = {
  ...OF_EVERY_ACTION,
  name: 'create',
  summary: 'Make a key, and add it to the file.',
  operands: [SUBJECT_OPERAND],
  about: `Writes the key to stdout: it is not kept anywhere. Servers that read the file
accept it within 5 s.`,
  options: [KEYS_FILE, SCOPES, NOT_AFTER, QUOTAS, JSON_OUTPUT],
  example: 'holdfast keys create shop --keys keys.json --scopes queues:write=images',

  async run(args, { stdout }) {
    const { createKey } = await library(args);
    const [subject = ''] = args.operands;
    const scopes = (args.text(SCOPES) ?? '').split(',').flatMap((scope) => scope.trim() || []);
    const notAfter = args.text(NOT_AFTER);
    if (notAfter !== undefined && Number.isNaN(Date.parse(notAfter))) {
      throw args.wrong('--not-after is a time, such as 2027-01-31T12:00:00Z');
    }
    const listed = await listedIn(args);
    const until = notAfter === undefined ? undefined : new Date(notAfter).toISOString();
    const quotas = quotasOf(args);
    const { key, entry } = createKey(
      { subject, scopes, ...given({ notAfter: until, quotas }) },
      systemRandom,
    );
    await replace(args, { ...listed, keys: [...listed.keys, entry] });
    stdout.write(args.has(JSON_OUTPUT) ? `${JSON.stringify({ key, ...entry })}\n` : `${key}\n`);
    return EXIT.ok;
  },
};

function quotasOf(args: Arguments): Readonly<Record<string, number>> | undefined {
  const text = args.text(QUOTAS);
  if (text === undefined) return undefined;
  const pairs = text.split(',').map((pair) => {
    const [, name, number] = /^\s*(\w+)=(\d+)\s*$/.exec(pair) ?? [];
    if (name === undefined) throw args.wrong('--quotas is such as "tasks=1000,leases=50"');
    return [name, Number(number)] as const;
  });
  return Object.fromEntries(pairs);
}

const ls: Command = {
  ...OF_EVERY_ACTION,
  name: 'ls',
  summary: 'List the keys of a file.',
  operands: [],
  about: 'Shows the id, the subject and the scopes of each.',
  options: [KEYS_FILE],
  example: 'holdfast keys ls --keys keys.json',

  async run(args, { stdout }) {
    const { keys } = await listedIn(args);
    for (const { id, subject, scopes } of keys) stdout.write(`${id}  ${subject}  ${scopes.join(',')}\n`);
    return EXIT.ok;
  },
};

const revoke: Command = {
  ...OF_EVERY_ACTION,
  name: 'revoke',
  summary: 'Take a key out of the file, or all.',
  operands: [ID_OPERAND],
  about: `Servers that read the file refuse it within 5 s, with the browsers that are
signed in by it. A file without keys admits nobody.`,
  options: [KEYS_FILE],
  example: 'holdfast keys revoke x7k2m9q4t1bz --keys keys.json',

  async run(args, { stdout }) {
    const [id] = args.operands;
    const listed = await listedIn(args);
    const left = id === 'all' ? [] : listed.keys.filter((key) => key.id !== id);
    const revoked = listed.keys.length - left.length;
    if (revoked === 0)
      throw args.wrong(id === 'all' ? 'the file has no keys' : `the file has no key "${id}"`);
    await replace(args, { ...listed, keys: left });
    stdout.write(id === 'all' ? `revoked ${revoked} keys\n` : `revoked ${id}\n`);
    return EXIT.ok;
  },
};

/** `freeze`, and `thaw`, which ends it. */
const freezing = (name: string, readOnly: boolean, summary: string): Command => ({
  ...OF_EVERY_ACTION,
  ...{ name, summary, operands: [], options: [KEYS_FILE] },
  about: `Servers that read the file do so within 5 s. While they are read-only, they
refuse what changes something (403); who holds a handle goes on with it.`,
  example: `holdfast keys ${name} --keys keys.json`,

  async run(args, { stdout }) {
    await replace(args, { ...(await listedIn(args)), readOnly });
    stdout.write(readOnly ? 'read-only\n' : 'no longer read-only\n');
    return EXIT.ok;
  },
});

const SERVER_KEY_FILE: Option = { ...SERVER_KEY, required: true, about: 'The file to make. Required.' };

const server: Command = {
  ...OF_EVERY_ACTION,
  name: 'server',
  summary: 'Make the key with which servers seal handles.',
  operands: [],
  about: `Writes a file that all replicas are given. To change the key, put another under
"accept" in all copies of the file, then let it be "sign", and the old one
"accept" until what it has sealed has run out.`,
  options: [SERVER_KEY_FILE],
  example: 'holdfast keys server --server-key server-key.json',

  async run(args, { stdout }) {
    const { createServerKey } = await library(args);
    const file = args.text(SERVER_KEY_FILE) ?? '';
    try {
      const text = `${JSON.stringify(createServerKey(), undefined, 2)}\n`;
      await writeFile(file, text, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      throw args.wrong(`${file} cannot be made: ${messageOf(error)}`);
    }
    stdout.write(`made ${file}\n`);
    return EXIT.ok;
  },
};

export const keys: CommandGroup = {
  name: 'keys',
  summary: 'Make and revoke the API keys of "holdfast serve".',
  about: '',
  actions: [
    create,
    ls,
    revoke,
    freezing('freeze', true, 'Let all servers that read the file be read-only.'),
    freezing('thaw', false, 'Let them change things again.'),
    server,
  ],
};

const fileOf = (args: Arguments): string => args.text(KEYS_FILE) ?? '';

/** An absent file has no keys. */
async function listedIn(args: Arguments): Promise<Listed> {
  try {
    const listed = JSON.parse(await readFile(fileOf(args), 'utf8')) as Listed;
    if (Array.isArray(listed.keys)) return listed;
    throw new Error('it has no list "keys"');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { keys: [] };
    throw args.wrong(`the keys in ${fileOf(args)} could not be read: ${messageOf(error)}`);
  }
}

async function replace(args: Arguments, listed: Listed): Promise<void> {
  const file = fileOf(args);
  const beside = `${file}.${process.pid}.tmp`;
  await writeFile(beside, `${JSON.stringify(listed, undefined, 2)}\n`, { mode: 0o600 });
  await rename(beside, file);
}
