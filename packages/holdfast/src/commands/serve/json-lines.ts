/**
 * A logger that writes one line of JSON for each message: time, level, message and fields.
 *
 * Guarantees: an error is shown by its name, code and message; nothing throws, whatever the fields are.
 */
import type { Logger, LogLevel } from '@holdfast/telemetry';
import type { Context } from '../../context.js';

export function jsonLines({ stdout, clock }: Context): Logger {
  const write =
    (level: LogLevel) =>
    (fields: object, msg: string): void => {
      const time = new Date(clock.wall() / 1_000).toISOString();
      stdout.write(`${JSON.stringify({ time, level, msg, ...fields }, shown)}\n`);
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

function shown(_: string, value: unknown): unknown {
  if (value instanceof Error) {
    const { name, message, stack } = value;
    return { name, message, ...('code' in value ? { code: value.code } : { stack }) };
  }
  return typeof value === 'bigint' ? String(value) : value;
}
