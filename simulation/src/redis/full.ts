/**
 * What a server refuses when its memory is full and it evicts nothing: commands that may take memory, and of functions all
 * that do not say that they are to run all the same.
 */
import { ServerError } from './reply.js';

/** Commands that may take memory: "denyoom" in Redis. */
const TAKING = new Set([
  ...[
    'SET',
    'MSET',
    'SETRANGE',
    'INCR',
    'COPY',
    'HSET',
    'HSETNX',
    'HINCRBY',
    'RPUSH',
    'LSET',
    'SADD',
    'SETBIT',
    'ZADD',
    'XADD',
    'XGROUP',
    'VADD',
  ],
  'FUNCTION',
]);

/** Other commands that write. */
const WRITING = new Set([
  ...[
    'DEL',
    'UNLINK',
    'PERSIST',
    'PEXPIRE',
    'PEXPIREAT',
    'HDEL',
    'LTRIM',
    'SREM',
    'VREM',
    'ZREM',
    'ZPOPMIN',
    'ZREMRANGEBYSCORE',
    'ZREMRANGEBYRANK',
  ],
  ...['XDEL', 'XACK', 'XTRIM', 'XCLAIM', 'XAUTOCLAIM', 'XREADGROUP', 'FLUSHALL'],
]);

/** A script that is carried out. */
export interface Running {
  /** Whether it is to run also when memory is full. */
  readonly whenFull: boolean;
  /** After its first write nothing is refused, because a script cannot be undone. */
  hasWritten: boolean;
}

/** Throws as Redis does; `script` is what calls the command, if one does. */
export function requireRoom(command: string, isFull: boolean, script?: Running): void {
  if (isFull && TAKING.has(command) && !script?.whenFull && !script?.hasWritten) {
    throw new ServerError("OOM command not allowed when used memory > 'maxmemory'.");
  }
  if (script && (TAKING.has(command) || WRITING.has(command))) script.hasWritten = true;
}

export function requireFlag(isFull: boolean, whenFull: boolean): void {
  if (!isFull || whenFull) return;
  throw new ServerError(
    "OOM allow-oom flag is not set on the function, can not run it when used memory > 'maxmemory'",
  );
}
