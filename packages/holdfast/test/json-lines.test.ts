/** The log of `holdfast serve`. */
import { systemClock } from '@holdfast/kernel';
import { expect, test } from 'vitest';
import { jsonLines } from '../src/commands/serve/json-lines.js';

function logged() {
  const written: string[] = [];
  const stdout = { write: (text: string) => written.push(text) };
  const context = { stdout, stderr: stdout, clock: systemClock, env: {}, signals: process };
  return { ...jsonLines(context), written };
}

const messages = (text: string | undefined) =>
  (text ?? '')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).msg);

test('lines of one turn are written at once, in their order; an error with all that came before it', async () => {
  const { logger, written, end } = logged();
  logger.info({ status: 200 }, 'one');
  logger.info({ big: 1n, err: new TypeError('no') }, 'two');
  expect(written).toEqual([]);
  logger.error({}, 'three');
  expect(written.map(messages)).toEqual([['one', 'two', 'three']]);
  expect(JSON.parse(written[0]?.split('\n')[1] ?? '')).toMatchObject({
    ...{ level: 'info', big: '1', err: { name: 'TypeError', message: 'no' } },
  });
  logger.info({}, 'four');
  logger.info({}, 'five');
  await new Promise((resolve) => systemClock.afterInput(() => resolve(undefined)));
  expect(written.slice(1).map(messages)).toEqual([['four', 'five']]);
  logger.info({}, 'six');
  end();
  expect(written.slice(2).map(messages)).toEqual([['six']]);
  expect(process.listeners('exit').map(({ name }) => name)).not.toContain('flush');
});
