/**
 * A client of a Holdfast server.
 *
 * Guarantees: it holds nothing but its options, opens no connection of its own, and needs no closing.
 */
import { Systems } from './operations/systems.js';
import { type ClientOptions, transportTo } from './transport.js';

export class Client extends Systems {
  /** Use createClient(). */
  constructor(options: ClientOptions) {
    super(transportTo(options));
  }
}

/** A client of the server at `url`. Throws TypeError if that is no URL. */
export const createClient = (options: ClientOptions): Client => new Client(options);
