/** The keys of the terminal: q quits, f switches faults, g fencing. Elsewhere, there are none. */
import { onAbort } from '../../ledger/changes.js';
import type { Switches } from '../messages.js';

/** What is wanted: of a switch, that it be on or off, or the other way round; or that the run be over. */
export interface Controlled extends Switches {
  readonly flip?: 'faults' | 'fencing';
  readonly isOver?: boolean;
}

/** Until `signal` aborts; the terminal is then as it was. */
export function listenToKeys(
  plain: boolean,
  controls: (wanted: Controlled) => void,
  signal: AbortSignal,
): void {
  const { stdin, stdout } = process;
  if (plain || !stdin.isTTY || !stdout.isTTY) return;
  stdin.setRawMode(true).resume();
  const hear = (keys: Buffer): void => {
    for (const key of keys.toString()) {
      if (key === '\x03')
        process.kill(process.pid, 'SIGINT'); // in this mode, Ctrl-C is a key as others are
      else if (key === 'q') controls({ isOver: true });
      else if (key === 'f') controls({ flip: 'faults' });
      else if (key === 'g') controls({ flip: 'fencing' });
    }
  };
  stdin.on('data', hear);
  onAbort(signal, () => {
    stdin.off('data', hear);
    stdin.setRawMode(false).pause();
  });
}
