/**
 * The guard inside a transaction of Prisma.
 */
import { createLocks } from '@holdfast/lock';
import { Pool } from 'pg';
import { database, stopDatabase } from './database.js';
import { nodes, stop } from './nodes.js';

const locks = createLocks({ nodes });
const pool = new Pool({ connectionString: database });

// #region readme
import type { TokenHolder } from '@holdfast/fence';
import { createPostgresGuard } from '@holdfast/fence/postgres';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/prisma/client.js'; // by "prisma generate"

const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
const guard = createPostgresGuard({ sql: pool });

const deposit = (lease: TokenHolder, amount: number) =>
  prisma.$transaction(async (tx) => {
    const query = (text: string) => tx.$queryRawUnsafe<object[]>(text);
    await guard.sealWithin(lease, query); // first of all, and its errors are let through
    const { balance } = await tx.account.findUniqueOrThrow({ where: { id: 'account:42' } });
    await tx.account.update({ where: { id: 'account:42' }, data: { balance: balance + amount } });
  });
// #endregion readme

const early = await locks.acquire('account:42', { ttl: 200 });
const later = await locks.acquire('account:42');
await deposit(later, 5);
await deposit(early, 100).catch((error: Error) => console.log(error.name));
const { rows } = await pool.query('SELECT balance FROM accounts');
console.log(`balance ${rows[0].balance}`);
await prisma.$disconnect();
await pool.end();
await locks.close();
await stop();
await stopDatabase();
