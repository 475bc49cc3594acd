/**
 * A logger that writes one line of JSON for each message: time, level, message and fields.
 *
 * Guarantees: an error is shown by its name, code and message; nothing throws, whatever the fields are. Lines stand in their order.
 * Those of one turn of the event loop are written at once, so that a request need not wait for the reader of the log; a warning or an
 * error is written when it comes, with all that came before, and so is everything when the process exits.
 */
import type { Logger, LogLevel } from '@holdfast/telemetry';
import type { Context } from '../../context.js';

/** `end` writes what waits. */
export function jsonLines({ stdout, clock }: Context): { readonly logger: Logger; readonly end: () => void } {
  let waiting = '';
  let isBegun = false;
  const flush = (): void => {
    const text = waiting;
    waiting = '';
    if (text !== '') stdout.write(text);
  };
  const write =
    (level: LogLevel) =>
    (fields: object, msg: string): void => {
      if (!isBegun) process.on('exit', flush);
      isBegun = true;
      const time = new Date(clock.wall() / 1_000).toISOString();
      const line = { time, level, msg, ...fields };
      if (waiting === '') clock.afterInput(flush);
      waiting += `${JSON.stringify(line, isPlain(fields) ? undefined : shown)}\n`;
      if (level === 'warn' || level === 'error') flush();
    };
  const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  const end = (): void => {
    flush();
    process.off('exit', flush);
  };
  return { logger, end };
}

/** Whether JSON has a form for all fields, as for those of most lines: they need no function that looks at each. */
const isPlain = (fields: object): boolean =>
  Object.values(fields).every((value) => typeof value !== 'object' && typeof value !== 'bigint');

function shown(_: string, value: unknown): unknown {
  if (value instanceof Error) {
    const { name, message, stack } = value;
    return { name, message, ...('code' in value ? { code: value.code } : { stack }) };
  }
  return typeof value === 'bigint' ? String(value) : value;
}
