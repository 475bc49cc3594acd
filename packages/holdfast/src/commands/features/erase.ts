/** The actions of `holdfast features` that forget: `erase`, and `restore`, which has rows taken again. */
import type { Entity } from '@holdfast/features';
import { display } from '@holdfast/kernel';
import { given, masked } from '../../arguments.js';
import type { Command } from '../../command.js';
import { JSON_OUTPUT } from '../../options.js';
import { answer, type Call, HOLDING, OF_ACTS, onStore, PLACE, underLease } from './opened.js';
import { ERASED_DIR } from './options.js';

const OPERANDS = [
  { name: 'entity', about: 'the name of the entity' },
  { name: 'id', about: 'the id' },
];
const OPTIONS = [...PLACE, ERASED_DIR, ...HOLDING, JSON_OUTPUT];

export const erase: Command = {
  ...OF_ACTS,
  name: 'erase',
  summary: 'Erase an entity: its rows, and all that come.',
  operands: OPERANDS,
  about: `No row about it is served, exported or trained with from then on, alone or in
composite ids, and none is taken. The same command finishes what was broken
off. Exported files have its rows until they are compacted.`,
  options: OPTIONS,
  example: 'holdfast features erase user u1 --dir ./exported --store shop',
  run: onStore((call) =>
    underLease(call, undefined, async ({ holder }) => {
      const { entity, id, options } = erasedIn(call);
      const { rows, files } = await call.store.erase(entity, id, { holder, ...options });
      const rest = files === 0 ? '' : `; ${files} exported files may have some until "compact --grace 0"`;
      return answer(call, { rows, files }, `${rows} rows were deleted${rest}.`);
    }),
  ),
};

export const restore: Command = {
  ...OF_ACTS,
  name: 'restore',
  summary: 'Have rows about an erased entity taken again.',
  operands: OPERANDS,
  about: 'What was erased stays so.',
  options: OPTIONS,
  example: 'holdfast features restore user u1 --dir ./exported --store shop',
  run: onStore((call) =>
    underLease(call, undefined, async ({ holder }) => {
      const { entity, id, options } = erasedIn(call);
      await call.store.restore(entity, id, { holder, ...options });
      return answer(call, { restored: `${entity.name}:${id}` }, 'Rows about it are taken again.');
    }),
  ),
};

/** The entity that the operands name, one with ids of its own that a view has, alone or as a part. Throws UsageError. */
function erasedIn({ args, store }: Call) {
  const [name = '', id = ''] = args.operands;
  const known = [...new Set(store.views.flatMap(({ entity }) => entity.parts))];
  if (!known.includes(name))
    throw args.wrong(`no view is about ${display(masked(name))}; there are ${known.join(', ') || 'none'}`);
  const entity: Entity = { name, parts: [name] };
  return { entity, id, options: given({ dir: args.text(ERASED_DIR) }) };
}
