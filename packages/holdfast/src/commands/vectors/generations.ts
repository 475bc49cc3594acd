/**
 * The actions of `holdfast vectors` on the generations of an index: `generations`, `rebuild`, `cut`, `rollback`, `retire`.
 *
 * Guarantees: each works under a lease, and one that was replaced by a later one changes nothing. What `rebuild` has made by the time
 * it ends, however it ends, counts: the same command goes on from there. No generation goes live with a document that lacks its
 * vectors, but for those that --pending allows.
 */
import { display } from '@holdfast/kernel';
import { given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { EXIT } from '../../exit-codes.js';
import { JSON_OUTPUT } from '../../options.js';
import { renderTable } from '../../table.js';
import { type Held, LEASE_EXIT_CODES, LEASE_OPTIONS, OF_LEASES, underLease } from '../under-lease.js';
import { type BeginOptions, modelIn, Unmade, unmade } from './model.js';
import { answer, type Call, INDEX_OPERAND, OF_EVERY_ACTION, onIndex, PLACE } from './opened.js';
import { LEASE, MODEL, PENDING, REPLACES, TO } from './options.js';
import { FillReport } from './report.js';

type Generation = Awaited<ReturnType<Call['index']['generations']>>[number];

const OPTIONS = [...PLACE, LEASE, REPLACES, ...LEASE_OPTIONS, JSON_OUTPUT];

const OF_ACTS = {
  shared: OF_LEASES,
  exitCodes: [...OF_EVERY_ACTION.exitCodes, ...LEASE_EXIT_CODES],
} satisfies Partial<Command>;

const OF_CUTS = {
  ...OF_ACTS,
  exitCodes: [['1', 'not done: documents lack vectors of it'], ...OF_ACTS.exitCodes],
} satisfies Partial<Command>;

export const generations: Command = {
  ...OF_EVERY_ACTION,
  name: 'generations',
  summary: 'List the generations and their models.',
  operands: [INDEX_OPERAND],
  about: `One is live, which is the one that is searched. One that is "kept" was live, and
can be again; of one that is "dropping", some vectors are left: retire it again.`,
  options: [...PLACE, JSON_OUTPUT],
  example: 'holdfast vectors generations kb --redis redis://127.0.0.1:6379',
  run: onIndex(async (call) => {
    const found = await call.index.generations();
    const rows = found.map(({ generation, model, state }) => [generation, model, state]);
    return answer(call, found, renderTable([['generation', 'model', 'state'], ...rows]));
  }),
};

export const rebuild: Command = {
  ...OF_ACTS,
  name: 'rebuild',
  summary: 'Make the vectors of another model.',
  operands: [INDEX_OPERAND],
  about: `They are made beside those that are searched. Searches go on with the live
model; every process that follows the index holds both meanwhile. If it is
broken off, give the same command again: it goes on where it was.
Afterwards, "cut" makes the model live, and "retire" discards it.`,
  options: [MODEL, ...OPTIONS],
  example: 'holdfast vectors rebuild kb --model ./minilm.js',
  run: onIndex(async (call) => {
    const begun = await modelIn(call.args, MODEL);
    if (begun === undefined)
      throw call.args.wrong('--model is missing: give a module with the model that makes the vectors');
    return held(call, async ({ holder, signal }) => {
      const { index } = call;
      const builder = await index.begin({ ...begun, ...replacesIn(call) }, holder);
      const report = new FillReport(call);
      try {
        const { embedded, seen } = await builder.fill({ signal, progress: report.note });
        const { generation } = builder;
        const words = `Generation ${generation} has the vectors of all documents: ${embedded} were made. "holdfast vectors cut ${index.name}" makes it live.`;
        return answer(call, { generation, embedded, seen }, words);
      } finally {
        report.end();
      }
    });
  }),
};

export const cut: Command = {
  ...OF_CUTS,
  name: 'cut',
  summary: 'Have the rebuilt model searched.',
  operands: [INDEX_OPERAND],
  about: `Only if no document lacks vectors of it. Documents that were written since the
rebuild get theirs first, if --model is given; otherwise nothing changes when
there are such. The model of before is kept: "rollback" goes back to it.`,
  options: [MODEL, PENDING, ...OPTIONS],
  example: 'holdfast vectors cut kb --model ./minilm.js',
  run: onIndex((call) =>
    held(call, async (lease) => {
      const building = (await call.index.generations()).find(({ state }) => state === 'building');
      if (building !== undefined) return cutTo(call, lease, building);
      throw call.args.wrong(
        `no model of the index ${display(call.index.name)} is being built; "holdfast vectors rebuild" begins one`,
      );
    }),
  ),
};

export const rollback: Command = {
  ...OF_CUTS,
  name: 'rollback',
  summary: 'Go back to the model of before.',
  operands: [INDEX_OPERAND],
  about: `A cut back to a model that is kept. Documents that were written since it was
live get their vectors first, if --model is given; otherwise nothing that is
searched changes when there are such, and "rebuild" makes them.`,
  options: [TO, MODEL, PENDING, ...OPTIONS],
  example: 'holdfast vectors rollback kb --model ./ada.js',
  run: onIndex((call) => held(call, async (lease) => cutTo(call, lease, await keptIn(call)))),
};

export const retire: Command = {
  ...OF_ACTS,
  name: 'retire',
  summary: 'End a generation that is not live.',
  operands: [INDEX_OPERAND, { name: 'generation', about: 'the number of the generation' }],
  about: `One that is being built, or one that is kept; its vectors are deleted. If it is
broken off, give the same command again.`,
  options: OPTIONS.filter((option) => option !== REPLACES),
  example: 'holdfast vectors retire kb 1790000000000000',
  run: onIndex((call) =>
    held(call, async ({ holder }) => {
      const [, generation = ''] = call.args.operands;
      await call.index.retire(generation, holder);
      return answer(
        call,
        { retired: generation },
        `Generation ${generation} has ended, and its vectors are deleted.`,
      );
    }),
  ),
};

const held = (call: Call, act: (lease: Held) => Promise<number>): Promise<number> =>
  underLease(call, call.args.text(LEASE) ?? `vectors:${call.index.name}`, act);

const replacesIn = ({ args }: Call): BeginOptions => given({ replaces: args.text(REPLACES) });

/** The generation to go back to. Throws UsageError. */
async function keptIn({ args, index }: Call): Promise<Generation> {
  const kept = (await index.generations()).filter(({ state }) => state !== 'live' && state !== 'dropping');
  const to = args.text(TO);
  const wanted =
    to === undefined
      ? kept.filter(({ state }) => state === 'kept')
      : kept.filter(({ model }) => model === to);
  const [found, another] = wanted;
  if (found !== undefined && another === undefined) return found;
  const known = kept.map(({ model }) => model).join(', ') || 'none';
  throw args.wrong(
    another === undefined
      ? `the index keeps no model${to === undefined ? '' : ` ${display(to)}`} to go back to; it has ${known} beside the live one`
      : `several models are kept: give --to, one of ${known}`,
  );
}

/** Makes what is missing, as far as there is a model for it, and cuts. */
async function cutTo(call: Call, { holder, signal }: Held, { model }: Generation): Promise<number> {
  const { args, index } = call;
  const pending = args.count(PENDING, 0, 1_000_000) ?? 0;
  const how = (await modelIn(args, MODEL)) ?? { embed: unmade };
  const builder = await index.begin({ ...how, ...replacesIn(call), model }, holder);
  const report = new FillReport(call);
  try {
    for (;;) {
      const isFilled = await builder.fill({ signal, progress: report.note }).then(
        () => true,
        (error: unknown) => {
          if (error instanceof Unmade) return false;
          throw error;
        },
      );
      const reply = await builder.cut({ pending });
      if (reply.outcome === 'live')
        return answer(
          call,
          { live: builder.generation, model },
          `The model "${model}" is searched from now on.`,
        );
      if (isFilled) continue; // written meanwhile
      answer(
        call,
        { live: false, model, left: reply.left },
        `Nothing has changed: ${reply.left} documents were written since the model "${model}" has looked at them, and some lack its vectors. Give --model, which makes them.`,
      );
      return EXIT.undone;
    }
  } finally {
    report.end();
  }
}
