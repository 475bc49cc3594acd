/** The contents of a server's INFO, as facts. A field that it does not have counts as empty. */
import type { ServerFacts } from './facts.js';

export function readInfo(text: string): ServerFacts {
  const fields = new Map(
    [...text.matchAll(/^([^#\s:]+):(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  const word = (name: string): string => fields.get(name) ?? '';
  const number = (name: string): number => Number(word(name));
  return {
    runId: word('run_id'),
    replicationId: word('master_replid'),
    version: word('redis_version'),
    role: word('role'),
    master: word('role') === 'slave' ? `${word('master_host')}:${word('master_port')}` : undefined,
    inCluster: word('cluster_enabled') === '1',
    replicas: number('connected_slaves'),
    following: countFollowing(text),
    goodReplicas: fields.has('min_slaves_good_slaves') ? number('min_slaves_good_slaves') : undefined,
    usedMemory: number('used_memory'),
    maxMemory: number('maxmemory'),
    evictionPolicy: word('maxmemory_policy'),
    appendOnly: word('aof_enabled') === '1',
    lastSaveFailed: word('rdb_last_bgsave_status') === 'err',
    lastAppendFailed: word('aof_last_write_status') === 'err',
    clients: number('connected_clients'),
    maxClients: fields.has('maxclients') ? number('maxclients') : undefined,
  };
}

/** Counted as the voting scripts do (server.lua of @holdfast/redis). */
function countFollowing(text: string): number {
  const lags = text.matchAll(/state=online,offset=\d+,lag=(\d+)/g);
  return [...lags].filter(([, lag]) => Number(lag) <= 2).length;
}
