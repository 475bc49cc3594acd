/** All systems of the server. Made by `npm run clients` from the operations of the server; changes belong there. */
import type { Transport } from '../transport.js';
import { Claims } from './claims.js';
import { Elections } from './elections.js';
import { Features } from './features.js';
import { Fences } from './fences.js';
import { Leases } from './leases.js';
import { Locks } from './locks.js';
import { Product } from './product.js';
import { Queues } from './queues.js';
import { Quotas } from './quotas.js';
import { Vectors } from './vectors.js';
import { Webhooks } from './webhooks.js';
import { Workflows } from './workflows.js';

export class Systems {
  readonly claims: Claims;
  readonly elections: Elections;
  readonly features: Features;
  readonly fences: Fences;
  readonly leases: Leases;
  readonly locks: Locks;
  readonly product: Product;
  readonly queues: Queues;
  readonly quotas: Quotas;
  readonly vectors: Vectors;
  readonly webhooks: Webhooks;
  readonly workflows: Workflows;

  constructor(transport: Transport) {
    this.claims = new Claims(transport);
    this.elections = new Elections(transport);
    this.features = new Features(transport);
    this.fences = new Fences(transport);
    this.leases = new Leases(transport);
    this.locks = new Locks(transport);
    this.product = new Product(transport);
    this.queues = new Queues(transport);
    this.quotas = new Quotas(transport);
    this.vectors = new Vectors(transport);
    this.webhooks = new Webhooks(transport);
    this.workflows = new Workflows(transport);
  }
}
