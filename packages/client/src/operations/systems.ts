/** All systems of the server. Made by `npm run clients` from the operations of the server; changes belong there. */
import type { Transport } from '../transport.js';
import { Claims } from './claims.js';
import { Leases } from './leases.js';
import { Locks } from './locks.js';
import { Queues } from './queues.js';
import { Workflows } from './workflows.js';

export class Systems {
  readonly claims: Claims;
  readonly leases: Leases;
  readonly locks: Locks;
  readonly queues: Queues;
  readonly workflows: Workflows;

  constructor(transport: Transport) {
    this.claims = new Claims(transport);
    this.leases = new Leases(transport);
    this.locks = new Locks(transport);
    this.queues = new Queues(transport);
    this.workflows = new Workflows(transport);
  }
}
