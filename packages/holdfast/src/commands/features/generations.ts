/** The actions of `holdfast features` on the generations of a view: `generations`, `begin`, `cut`, `rollback`, `retire`, `abandon`,
 * `sweep`. */
import type { LaneFate } from '@holdfast/features';
import { given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { JSON_OUTPUT } from '../../options.js';
import { renderTable } from '../../table.js';
import type { Held } from '../under-lease.js';
import {
  answer,
  type Call,
  GENERATION_OPERAND,
  HOLDING,
  OF_ACTS,
  OF_EVERY_ACTION,
  onServedStore,
  onStore,
  PLACE,
  SERVED_PLACE,
  underLease,
  VIEW_OPERAND,
  viewOf,
} from './opened.js';
import { FATES, PATIENCE } from './options.js';

const OPTIONS = [...PLACE, ...HOLDING, JSON_OUTPUT];

export const generations: Command = {
  ...OF_EVERY_ACTION,
  name: 'generations',
  summary: 'List the generations of a view.',
  operands: [VIEW_OPERAND],
  about: 'One is live, which is the one that is read.',
  options: [...SERVED_PLACE, JSON_OUTPUT],
  example: 'holdfast features generations profile --store shop',
  run: onServedStore(async (call) => {
    const view = viewOf(call);
    const { generations: found = [] } = (await call.store.stats()).views[view.name] ?? {};
    const rows = found.map(({ id, state, rows: count }) => [id, state, String(count)]);
    return answer(call, found, renderTable([['generation', 'state', 'rows'], ...rows]));
  }),
};

export const begin: Command = {
  ...OF_ACTS,
  name: 'begin',
  summary: 'Begin a generation, to be filled.',
  operands: [VIEW_OPERAND],
  about: `Its definition is the registered one, or with --app that of the program, which
may differ from it in any way. Writes the id of the generation.`,
  options: OPTIONS,
  example: 'holdfast features begin profile --store shop',
  run: onStore((call) => {
    const view = viewOf(call);
    return underLease(call, view, async ({ holder }) => {
      const { id } = await call.store.begin(view, { holder });
      return answer(call, { generation: id }, id);
    });
  }),
};

export const cut: Command = {
  ...OF_ACTS,
  name: 'cut',
  summary: 'Have another generation read.',
  operands: [VIEW_OPERAND, GENERATION_OPERAND],
  about: `Only if it lacks nothing of what the lanes of the one that is read have taken
in; otherwise nothing changes, and the error says what is lacking.`,
  options: [...PLACE, FATES, PATIENCE, ...HOLDING, JSON_OUTPUT],
  example: 'holdfast features cut profile 2-17 --lanes batch=finished --store shop',
  run: onStore((call) => {
    const [, id = ''] = call.args.operands;
    return underLease(call, viewOf(call), (held) => cutTo(call, held, id));
  }),
};

export const rollback: Command = {
  ...OF_ACTS,
  name: 'rollback',
  summary: 'Have the previous generation read again.',
  operands: [VIEW_OPERAND],
  about: `A cut back to the latest of the previous ones: only if it was kept up, or
--lanes says that what it lacks is not wanted.`,
  options: [...PLACE, FATES, PATIENCE, ...HOLDING, JSON_OUTPUT],
  example: 'holdfast features rollback profile --lanes batch=ended --store shop',
  run: onStore((call) => {
    const view = viewOf(call);
    return underLease(call, view, async (held) => {
      const all = await call.store.generations(view);
      const previous = all.filter(({ state }) => state === 'previous').at(-1);
      if (previous === undefined) throw call.args.wrong(`the view "${view.name}" has no previous generation`);
      return cutTo(call, held, previous.id);
    });
  }),
};

export const retire: Command = {
  ...OF_ACTS,
  name: 'retire',
  summary: 'End a generation, and delete its rows.',
  operands: [VIEW_OPERAND, GENERATION_OPERAND],
  about: 'Its lanes land nothing more. One that was never read is not ended so.',
  options: OPTIONS,
  example: 'holdfast features retire profile 1-0 --store shop',
  run: onStore((call) => {
    const view = viewOf(call);
    const [, id = ''] = call.args.operands;
    return underLease(call, view, async ({ holder }) => {
      const generation = await call.store.generation(view, id, { holder });
      const dropped = await generation.retire();
      return answer(call, { retired: id, dropped }, `${id} has ended, and ${dropped} rows were deleted.`);
    });
  }),
};

export const abandon: Command = {
  ...OF_ACTS,
  name: 'abandon',
  summary: 'End a generation that was never read.',
  operands: [VIEW_OPERAND, GENERATION_OPERAND],
  about: `Its lanes land nothing more, and its rows are deleted; a cut to it that its
builder has left half way is undone.`,
  options: OPTIONS,
  example: 'holdfast features abandon profile 2-17 --store shop',
  run: onStore((call) => {
    const view = viewOf(call);
    const [, id = ''] = call.args.operands;
    return underLease(call, view, async ({ holder }) => {
      const dropped = await (await call.store.generation(view, id, { holder })).abandon();
      return answer(call, { abandoned: id, dropped }, `${id} has ended, and ${dropped} rows were deleted.`);
    });
  }),
};

export const sweep: Command = {
  ...OF_EVERY_ACTION,
  name: 'sweep',
  summary: 'Delete what ended generations have left.',
  operands: [VIEW_OPERAND],
  about: '"retire" does so itself; this is for one that was broken off.',
  options: [...PLACE, JSON_OUTPUT],
  example: 'holdfast features sweep profile --store shop',
  run: onStore(async (call) => {
    const dropped = await call.store.sweep(viewOf(call));
    return answer(call, { dropped }, `${dropped} rows were deleted.`);
  }),
};

async function cutTo(call: Call, { holder }: Held, id: string): Promise<number> {
  const { args, store } = call;
  const view = viewOf(call);
  const generation = await store.generation(view, id, { holder });
  const patience = args.duration(PATIENCE);
  await generation.cut({ lanes: fatesOf(call), ...given({ patience }) });
  return answer(call, { live: id }, `${id} of "${view.name}" is read from now on.`);
}

/** "batch=finished,stream=same" by lane. Which words there are, `cut` checks. */
function fatesOf({ args }: Call): Readonly<Record<string, LaneFate>> {
  const parts = (args.text(FATES) ?? '').split(',').filter((part) => part !== '');
  const fates = parts.map((part) => part.split('='));
  for (const [place, fate] of fates.entries())
    if (fate.length !== 2)
      throw args.wrong(`--lanes is <lane>=<fate>, as batch=finished; got "${parts[place]}"`);
  return Object.fromEntries(fates);
}
