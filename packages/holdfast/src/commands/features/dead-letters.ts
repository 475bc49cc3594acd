/** `holdfast features dead-letters`: records of sources that could not be read or stored. */
import { given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { JSON_OUTPUT, LIMIT } from '../../options.js';
import { renderTable } from '../../table.js';
import { answer, OF_EVERY_ACTION, onStore, PLACE, VIEW_OPERAND, viewOf } from './opened.js';
import { LANE } from './options.js';

export const deadLetters: Command = {
  ...OF_EVERY_ACTION,
  name: 'dead-letters',
  summary: 'List the latest records that were left out.',
  operands: [VIEW_OPERAND],
  about: 'Those that could not be read or stored, with the reason, the latest first.',
  options: [...PLACE, LANE, LIMIT, JSON_OUTPUT],
  example: 'holdfast features dead-letters profile --store shop',
  run: onStore(async (call) => {
    const most = call.args.count(LIMIT, 1, 10_000) ?? 20;
    const options = given({ most, lane: call.args.text(LANE) });
    const letters = await call.store.deadLetters(viewOf(call), options);
    const rows = letters.map(({ at, lane, partition, offset, error, value }) => [
      ...[at.toISOString(), lane, String(partition), offset.join('-'), error, value.slice(0, 80)],
    ]);
    const heading = ['at', 'lane', 'partition', 'offset', 'reason', 'value'];
    return answer(call, letters, renderTable([heading, ...rows]));
  }),
};
