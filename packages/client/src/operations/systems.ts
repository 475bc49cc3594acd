/** All systems of the server. Made by `npm run clients` from the operations of the server; changes belong there. */
import type { Transport } from '../transport.js';
import { Queues } from './queues.js';

export class Systems {
  readonly queues: Queues;

  constructor(transport: Transport) {
    this.queues = new Queues(transport);
  }
}
