/** `holdfast features apply`: registers the definitions of a program. */
import type { Command } from '../../command.js';
import { JSON_OUTPUT } from '../../options.js';
import { renderTable } from '../../table.js';
import { answer, OF_EVERY_ACTION, onStore, PLACE } from './opened.js';
import { FORCE, PROGRAM } from './options.js';

export const apply: Command = {
  ...OF_EVERY_ACTION,
  name: 'apply',
  summary: 'Register the definitions of a program.',
  operands: [],
  about: `Compares the definitions of --app with what is registered, and registers what
is new. A change that stored rows cannot follow is refused: begin a
generation.`,
  options: [...PLACE, FORCE, JSON_OUTPUT],
  example: 'holdfast features apply --app ./features.js',
  run: (args, ...rest) => {
    if (args.text(PROGRAM) === undefined)
      throw args.wrong('--app is missing: the module with the definitions');
    return onStore(async (call) => {
      const { views, services } = await call.store.apply({ force: args.has(FORCE) });
      const table = [
        ...views.map(({ view, effect, differences }) => [
          ...['view', view, effect, differences.map(({ path }) => path).join(', ')],
        ]),
        ...services.map(({ service, version, effect }) => ['service', `${service}@${version}`, effect, '']),
      ];
      return answer(call, { views, services }, renderTable(table));
    })(args, ...rest);
  },
};
