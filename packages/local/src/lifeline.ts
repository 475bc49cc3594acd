/**
 * The pipe by which the two shells that outlive this program notice its end. The system closes it when the program is
 * gone, however it ended; no other child inherits it.
 */
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';

interface Holdable {
  ref?(): void;
  unref?(): void;
}

/** Whether `child` and its pipes keep the calling program alive. */
export function hold(child: ChildProcess, held: boolean): void {
  const parts = [child, ...child.stdio] as unknown as readonly (Holdable | null)[];
  for (const part of parts) held ? part?.ref?.() : part?.unref?.();
}

/** The first line that a shell prints. Rejects if the shell ends without one. */
export function firstLine(stream: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('\n')) resolve(said.slice(0, said.indexOf('\n')));
    });
    stream.once('close', () =>
      reject(new Error('the watchdog shell ended before it could tell that it runs')),
    );
  });
}
