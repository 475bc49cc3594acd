/**
 * Being asked to stop: Ctrl-C and its relatives, and an output that nobody reads any more.
 *
 * Guarantees: the first request aborts `signal`, and the demonstration ends in good order. A second one ends it at
 * once; what it had started then ends by itself (workers, watchdog, nodes).
 */

export interface Interruption {
  readonly signal: AbortSignal;
  /** 128 plus the number of the signal; undefined if nobody asked. */
  readonly exitCode: number | undefined;
}

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGPIPE: 13, SIGTERM: 15 } as const;

export function listenForInterruption(): Interruption {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const interrupt = (name: keyof typeof NUMBERS): void => {
    if (exitCode !== undefined && name !== 'SIGPIPE') process.exit(exitCode);
    exitCode ??= 128 + NUMBERS[name];
    controller.abort(new Error(`Interrupted by ${name}.`));
  };
  for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupt(name));
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => interrupt('SIGPIPE'));
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
  };
}
