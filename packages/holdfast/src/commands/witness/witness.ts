/**
 * `holdfast witness`: what a data Redis had, kept elsewhere, and what it lacks of that after an old backup was restored.
 *
 * Guarantees: changes nothing in Redis or on the nodes. Nothing is called behind that only the lack of a right has hidden: then
 * the command fails.
 */
import { Deployment } from '@holdfast/lock';
import { type Arguments, masked } from '../../arguments.js';
import type { Command, CommandGroup } from '../../command.js';
import type { Context } from '../../context.js';
import { nodesOf, openLocks, parametersOf } from '../../deployment.js';
import { EXIT, ExitError } from '../../exit-codes.js';
import { hang } from '../../help.js';
import { DESCRIPTION, JSON_OUTPUT, NODE_OPTIONS, NODES, type Option, PREFIX, REDIS } from '../../options.js';
import { renderTable } from '../../table.js';
import { type Behind, behindNodes, behindWitness, CONSEQUENCES } from '../../witness/behind.js';
import { type Facts, readFacts } from '../../witness/facts.js';
import { readWitness, writeWitness } from '../../witness/file.js';
import { placeOf } from '../place.js';

const FILE: Option = {
  name: 'file',
  value: '<path>',
  about: 'The file of the witness, on another machine than Redis or its backups.',
};
const TO_FILE: Option = { ...FILE, required: true, about: `${FILE.about} Required.` };
const DATA_REDIS: Option = { ...REDIS, about: 'The data Redis; of a Cluster, one of its masters. Required.' };

const EXIT_CODES = [
  ['0', 'done; nothing is behind'],
  ['64', 'the command line is wrong, or the file is no witness'],
  ['69', 'Redis did not answer, or too few nodes did'],
] as const;

const take: Command = {
  name: 'take',
  summary: 'Write down what a data Redis has, as far as it only rises.',
  operands: [],
  about: `Marks of fences, ends of streams, places of readers, offsets of lanes, numbers
of generations and writes: no data. Take one every minute, say, so that "check"
knows how far a backup that is restored is behind.`,
  options: [TO_FILE, DATA_REDIS, PREFIX, JSON_OUTPUT],
  shared: [],
  exitCodes: EXIT_CODES,
  example: 'holdfast witness take --file witness.json --redis redis://data:6379',
  async run(args, context) {
    const path = args.text(TO_FILE) ?? '';
    const facts = await factsIn(args, context);
    await writeWitness(path, { taken: Math.round(context.clock.wall() / 1_000), facts });
    const words = `${facts.size} facts are written to ${masked(path)}.`;
    context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify({ facts: facts.size }) : words}\n`);
    return EXIT.ok;
  },
};

const check: Command = {
  name: 'check',
  summary: 'Say what a data Redis lacks that went back in time.',
  operands: [],
  about: `Compares the marks of fences with what the lock nodes have granted, and all
that only rises with a witness, if there is one. Run it after a backup was
restored, before the writers start. Nodes remember an unused resource for an
hour; what came after the witness, nobody knows.`,
  options: [FILE, DATA_REDIS, JSON_OUTPUT, ...NODE_OPTIONS],
  shared: DESCRIPTION,
  exitCodes: [EXIT_CODES[0], ['1', 'something is behind'], ...EXIT_CODES.slice(1)],
  example: 'holdfast witness check --file witness.json --redis redis://data:6379',
  run: compare,
};

export const witness: CommandGroup = {
  name: 'witness',
  summary: 'Say what a data Redis lacks after a restore.',
  about: `A data Redis that is restored from a backup has old marks, cursors and offsets,
and does not know it. The lock nodes know the tokens; a witness knows the rest.`,
  actions: [take, check],
};

async function compare(args: Arguments, context: Context): Promise<number> {
  const path = args.text(FILE);
  const hasNodes = args.addresses(NODES) !== undefined;
  if (path === undefined && !hasNodes) throw args.wrong('give --nodes, --file or both: what to compare with');
  const kept = path === undefined ? undefined : await readWitness(path);
  const is = await factsIn(args, context);
  const found = merged([
    ...(kept === undefined ? [] : behindWitness(kept.facts, is)),
    ...(hasNodes ? await comparedWithNodes(args, context, is) : []),
  ]);
  const { stdout } = context;
  const taken = kept && new Date(kept.taken).toISOString();
  if (args.has(JSON_OUTPUT)) {
    stdout.write(`${JSON.stringify({ witness: taken ?? null, nodes: hasNodes, behind: found })}\n`);
  } else {
    const by = [
      ...(taken === undefined ? [] : [`the witness of ${taken}`]),
      ...(hasNodes ? ['the nodes'] : []),
    ];
    stdout.write(`${describe(found, by.join(' and '))}\n`);
  }
  if (found.length === 0) return EXIT.ok;
  throw new ExitError('the data Redis is behind.', { exitCode: EXIT.findings, code: 'HOLDFAST_FINDINGS' });
}

const factsIn = (args: Arguments, { clock }: Context): Promise<Facts> =>
  readFacts({ ...placeOf(args), clock });

async function comparedWithNodes(args: Arguments, context: Context, is: Facts): Promise<readonly Behind[]> {
  await using locks = openLocks(args, context);
  const { issuer } = new Deployment(nodesOf(args).length, parametersOf(args));
  return await behindNodes(locks, issuer, is);
}

/** Of a mark that is behind both, what is higher. */
function merged(found: readonly Behind[]): readonly Behind[] {
  const known = new Map<string, Behind>();
  for (const each of found) {
    const before = known.get(each.of);
    if (before === undefined || Number(before.was) < Number(each.was)) known.set(each.of, each);
  }
  return [...known.values()];
}

/** The most things of a kind that are shown as text. */
const MOST = 20;

function describe(found: readonly Behind[], by: string): string {
  if (found.length === 0) return `Nothing is behind ${by}.`;
  const kinds = [...new Set(found.map(({ kind }) => kind))];
  const parts = kinds.map((kind) => {
    const all = found.filter((each) => each.kind === kind);
    const rows = all.slice(0, MOST).map(({ of, was, is }) => [`  ${of}`, is || 'nothing', was]);
    const more = all.length > MOST ? [`  and ${all.length - MOST} more; --json has all`] : [];
    const table = renderTable([[`  ${kind}`, 'is', 'was'], ...rows]);
    return [table, ...more, hang('  ', `-> ${CONSEQUENCES[kind]}`, 2)].join('\n');
  });
  return [
    ...parts,
    `${found.length} of what only rises ${found.length === 1 ? 'is' : 'are'} behind ${by}.`,
  ].join('\n\n');
}
