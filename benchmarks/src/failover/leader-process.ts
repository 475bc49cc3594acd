/**
 * The process that leads, until it is killed: it campaigns in all elections and says when it leads in all.
 *
 * Guarantees: it ends when its parent does.
 */
import { createLocks } from '@holdfast/lock';

const [count = '', ttl = '', ...nodes] = process.argv.slice(2);
process.on('disconnect', () => process.exit());

const locks = createLocks({ nodes });
const names = Array.from({ length: Number(count) }, (_, index) => `election:${index}`);
await Promise.all(names.map((name) => locks.election(name, { ttl: Number(ttl) }).campaign()));
process.send?.('leads');
