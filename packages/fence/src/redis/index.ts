/**
 * @holdfast/fence/redis: the guard for data in Redis. The main path: `createRedisGuard`, then `seal`, read, `write`.
 */
export type { NodeSource } from '@holdfast/redis';
export type { RedisCommand } from './commands.js';
export { createRedisGuard, type RedisGuard, type RedisGuardOptions, type RedisReplies } from './guard.js';
