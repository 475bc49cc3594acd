/**
 * A log as a web shop writes it, with lines planted in it that nothing of before resembles. The same seed gives the same log.
 */
import { type Dice, dice } from '../ledger/random.js';

export interface Line {
  readonly text: string;
  readonly isPlanted: boolean;
}

const PEOPLE = ['anna', 'ben', 'chloe', 'deniz', 'emil', 'fatima', 'george', 'hana'];
const PAGES = ['/', '/products', '/cart', '/checkout', '/search', '/account', '/help'];

type Maker = (roll: Dice) => string;

const number = (roll: Dice, most: number): number => Math.floor(roll.between(0, most));
const hex = (roll: Dice): string =>
  number(roll, 2 ** 32)
    .toString(16)
    .padStart(8, '0');
const address = (roll: Dice): string => `10.0.${number(roll, 256)}.${number(roll, 256)}`;

const NORMAL: readonly Maker[] = [
  (roll) =>
    `web GET ${roll.pick(PAGES)} 200 in ${number(roll, 90)} ms from ${address(roll)} request ${hex(roll)}`,
  (roll) =>
    `web GET ${roll.pick(PAGES)} 304 in ${number(roll, 20)} ms from ${address(roll)} request ${hex(roll)}`,
  (roll) => `web POST /cart 201 in ${number(roll, 120)} ms from ${address(roll)} request ${hex(roll)}`,
  (roll) => `web GET /favicon.ico 404 in ${number(roll, 9)} ms from ${address(roll)} request ${hex(roll)}`,
  (roll) => `auth user ${roll.pick(PEOPLE)} signed in from ${address(roll)}`,
  (roll) => `auth user ${roll.pick(PEOPLE)} signed out`,
  (roll) => `auth wrong password for user ${roll.pick(PEOPLE)} from ${address(roll)}`,
  (roll) => `orders order ${number(roll, 1e6)} placed by ${roll.pick(PEOPLE)}, ${number(roll, 900)}.00 EUR`,
  (roll) => `orders order ${number(roll, 1e6)} paid by card ending in ${number(roll, 9_999)}`,
  (roll) => `orders order ${number(roll, 1e6)} shipped with parcel ${hex(roll)}`,
  (roll) => `mail sent confirmation of order ${number(roll, 1e6)} to ${roll.pick(PEOPLE)}@example.org`,
  (roll) => `worker task ${hex(roll)} completed in ${number(roll, 2_000)} ms`,
  (roll) => `worker task ${hex(roll)} started, attempt ${1 + number(roll, 2)}`,
  (roll) => `cache hit rate 0.${number(roll, 99)} over the last minute, ${number(roll, 9_999)} keys`,
  (roll) => `cache evicted ${number(roll, 500)} keys`,
  (roll) => `db query took ${number(roll, 400)} ms: select from orders where id = ${number(roll, 1e6)}`,
  (roll) => `db connection pool has ${number(roll, 20)} of 20 connections in use`,
  (roll) => `db checkpoint complete: wrote ${number(roll, 9_000)} buffers in ${number(roll, 30)} s`,
  (roll) => `gc pause of ${number(roll, 40)} ms, heap ${number(roll, 900)} MB`,
  (roll) => `health check ok, uptime ${number(roll, 1e6)} s`,
];

/** What a release brings in the middle of the log: it is new, and no anomaly. */
const LATER: readonly Maker[] = [
  (roll) => `recommendations ${number(roll, 40)} products chosen for ${roll.pick(PEOPLE)}`,
  (roll) => `search suggestions rebuilt from ${number(roll, 9_000)} queries`,
];
/** How many of the lines are of `LATER`, once it has come. */
const LATER_SHARE = 0.02;

/** How often each of `NORMAL` comes, to the others: the first often, the last rarely. */
const SHARES = NORMAL.map((_, n) => 1 / (1 + n / 4));
const ALL_SHARES = SHARES.reduce((sum, share) => sum + share, 0);

/** Each comes once. */
const PLANTED: readonly string[] = [
  'kernel Out of memory: killed process 4312 (node), total-vm 8812344 kB',
  'kernel EXT4-fs error (device sda1): unable to read inode block, I/O error',
  'kernel CPU temperature above threshold, clock throttled',
  'kernel nf_conntrack: table full, dropping packet',
  'disk /var/lib/data is 98 % full',
  'db deadlock detected: two transactions wait for each other, one was rolled back',
  'db FATAL: password authentication failed for role "admin" from 203.0.113.9',
  'db could not write to the write-ahead log: no space left on device',
  'db replica fell behind by 48 minutes, replication slot was dropped',
  'db relation "orders" does not exist',
  'web upstream prematurely closed the connection while reading the response header',
  'web request body contains: 1; DROP TABLE users; --',
  'web TLS certificate of shop.example.org expired yesterday',
  'web path traversal attempt: ../../../../etc/passwd',
  'web 12000 requests a minute from one address, rate limit applied',
  'auth a new administrator account "root2" was created at 03:12',
  'auth the signing key for sessions was replaced by hand',
  'auth login from two continents within five minutes, account frozen',
  'orders the total of the order is negative: -1200.00 EUR',
  'orders the same card was charged nine times for one basket',
  'orders the warehouse refuses all parcels: the barcode printer is broken',
  'mail the provider has blocked our address for spam',
  'mail attachment contains a virus: Win32.Emotet',
  'worker TypeError: Cannot read properties of undefined (reading "price")',
  'worker Error: ECONNREFUSED connecting to the payment gateway',
  'worker stack overflow: Maximum call stack size exceeded',
  'worker process exited with signal SIGSEGV, core dumped',
  'cache split brain: two masters claim the same slots',
  'cache snapshot is corrupt, wrong checksum, starting empty',
  'cache all data were flushed by the user "guest"',
  'gc heap limit reached, allocation failed, JavaScript heap out of memory',
  'health the clock was set back by 3600 seconds',
  'health DNS lookup of db.internal fails: no such host',
  'health no heartbeat from the eastern data centre',
  'backup failed: the archive is truncated and cannot be restored',
  'deploy rolled back: migration 118 left half of the columns renamed',
  'firewall outbound traffic to an unknown host in the night, 40 GB',
  'vault secret was read by an unknown service',
  'ups mains power lost, running on battery for 7 minutes',
  'smart drive reports 212 reallocated sectors, failure predicted',
];

export const MOST_PLANTED = PLANTED.length;

export interface LogOptions {
  readonly lines: number;
  /** How many of them are planted, up to `MOST_PLANTED`; none in the first fifth. */
  readonly planted: number;
  readonly seed: number;
}

export function log({ lines, planted, seed }: LogOptions): Line[] {
  const roll = dice(seed);
  const all = Array.from({ length: lines }, (_, n): Line => {
    const isLater = n > lines / 2 && roll.between(0, 1) < LATER_SHARE;
    return { text: isLater ? roll.pick(LATER)(roll) : normal(roll), isPlanted: false };
  });
  const free = new Set(all.keys());
  for (let n = 0; n < Math.ceil(lines / 5); n += 1) free.delete(n);
  for (const text of PLANTED.slice(0, planted)) {
    const at = roll.pick([...free]);
    free.delete(at);
    all[at] = { text, isPlanted: true };
  }
  return all;
}

function normal(roll: Dice): string {
  let left = roll.between(0, ALL_SHARES);
  const at = SHARES.findIndex((share) => {
    left -= share;
    return left < 0;
  });
  return (NORMAL.at(at) as Maker)(roll);
}
