/**
 * `logTo(logger)`: writes the messages on the packages' diagnostics channels to a log.
 *
 * Guarantees: channels of packages that are loaded later are logged too. A logger that throws harms nobody: the first
 * time, a process warning reports it.
 */
import type { ChannelListener } from 'node:diagnostics_channel';
import { display, MisuseError } from '@holdfast/kernel';
import { type Declared, type LogLevel, onEveryChannel } from './channels.js';

export type { LogLevel };

/** A logger like those of pino and bunyan; `console` is one too. An error is in the field `err`. */
export type Logger = Readonly<Record<LogLevel, (fields: object, message: string) => void>>;

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** Logs to `logger`. Returns a function that ends the logging. Throws MisuseError if `logger` lacks a level. */
export function logTo(logger: Logger): () => void {
  const missing = LEVELS.find((level) => typeof logger?.[level] !== 'function');
  if (missing !== undefined) {
    throw new MisuseError(
      `logTo takes a logger with the methods ${LEVELS.join(', ')}, such as console or one of pino; ` +
        `got ${display(logger)} without "${missing}".`,
    );
  }
  const warn = once((error: unknown) =>
    process.emitWarning(`The logger of logTo has thrown: ${String(error)}`),
  );
  const ends: (() => void)[] = [];
  const stop = onEveryChannel(({ channel, level }: Declared) => {
    const listener: ChannelListener = (message) => {
      try {
        logger[level](fieldsOf(message as object), String(channel.name));
      } catch (error) {
        warn(error);
      }
    };
    channel.subscribe(listener);
    ends.push(() => void channel.unsubscribe(listener));
  });
  return () => {
    stop();
    for (const end of ends.splice(0)) end();
  };
}

/** Loggers know how to write an error that is named `err`. */
function fieldsOf(message: object): object {
  if (!('error' in message)) return message;
  const { error, ...fields } = message;
  return { ...fields, err: error };
}

function once(action: (error: unknown) => void): (error: unknown) => void {
  let done = false;
  return (error) => {
    if (done) return;
    done = true;
    action(error);
  };
}
