/**
 * Asks the server on a port whether it is ready, and whether it is the one that we started.
 *
 * Guarantees: resolves within `limit` ms to one of the answers below, whatever listens there; never rejects.
 */
import { connect } from 'node:net';
import { systemClock } from '@holdfast/kernel';

/** `silent` covers everything that is not an answer: refused, closed, mute, loading its data, not Redis. */
export type Answer = 'ready' | 'silent' | { readonly otherPid: number };

/**
 * Whether the process `pid` answers PING on `port`. A server that asks for a password has answered, and one that
 * refuses INFO too; who they are stays unknown.
 */
export function probe(port: number, pid: number, limit: number): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let received = '';
    const end = (answer: Answer): void => {
      timer.cancel();
      socket.destroy();
      resolve(answer);
    };
    const timer = systemClock.after(limit, () => end('silent'));
    socket.setEncoding('latin1');
    socket.once('error', () => end('silent'));
    socket.once('close', () => end('silent'));
    socket.once('connect', () => socket.write('PING\r\nINFO server\r\n'));
    socket.on('data', (data) => {
      received += data;
      const answer = read(received, pid);
      if (answer) end(answer);
    });
  });
}

/** The answer in what was received so far; undefined: not enough yet. */
function read(received: string, pid: number): Answer | undefined {
  const [pong, info] = received.split('\r\n');
  if (info === undefined) return undefined;
  if (pong?.startsWith('-NOAUTH')) return 'ready';
  if (!pong?.startsWith('+PONG')) return 'silent';
  if (info.startsWith('-')) return 'ready';
  const found = /\r\nprocess_id:(\d+)\r\n/.exec(received)?.[1];
  if (found === undefined) return undefined;
  return Number(found) === pid ? 'ready' : { otherPid: Number(found) };
}
