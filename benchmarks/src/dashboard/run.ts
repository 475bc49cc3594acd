/**
 * `npm run bench -- dashboard`: how long a browser takes from the address of a page of the dashboard to its first paint, and to
 * what the page is about, from a server on the same machine.
 *
 * Guarantees: a cold visit is one of a browser profile that has nothing stored. The browser and the servers are ended by `stop`.
 */

import { startNodes } from '@holdfast/local';
import { createLocks } from '@holdfast/lock';
import { createQueue } from '@holdfast/queue';
import { createServer } from '@holdfast/server';
import { type Browser, chromium, type Page } from 'playwright-core';
import { onStand, type Stand } from '../features/stand.js';
import { tableOf } from '../harness/results.js';
import { median } from '../harness/statistics.js';
import { atMost } from '../harness/targets.js';

const VISITS = ['cold', 'again'] as const;
const QUEUES = 50;
const LEASES = 50;

/** The pages, and what shows that a page has what it is about. */
const PAGES = {
  overview: { path: '/', shown: 'section[aria-label="Queues"] tbody tr' },
  locks: { path: '/locks', shown: 'section[aria-label="Leases that are held"] tbody tr' },
} as const;
type PageName = keyof typeof PAGES;

export const dashboard = onStand({
  about: 'from the address of a page of the dashboard to its first paint, in a real browser',
  title: 'The dashboard',
  workloads: Object.keys(PAGES),
  rounds: 5,
  measure,
});

async function measure(stand: Stand) {
  const { rounds, workloads, progress } = stand.call;
  const { url, keep } = await serve(stand);
  const browser = await start(stand);
  const names = (Object.keys(PAGES) as PageName[]).filter((name) => workloads.has(name));
  for (let round = 0; round <= rounds; round += 1) {
    await keep();
    for (const name of names) await visits(stand, { browser, url, name, isWarmup: round === 0 });
    progress(`round ${round} of ${rounds}`);
  }
  return {
    targets: names.map((name) => {
      const metric = `${name}: first paint, ms`;
      return atMost(metric, stand.spread(metric, 'cold'), 300);
    }),
    tables: names.map((name) =>
      tableOf(stand.results, {
        workload: name,
        contestants: VISITS,
        isCompared: false,
        about: `${PAGES[name].path}, with ${QUEUES} queues and ${LEASES} leases. Median of the rounds (min–max).`,
      }),
    ),
    remarks: [
      'cold: the browser has nothing stored. again: the same browser has been there. "shown" is when the page has its first row, which comes over the stream of events. The browser shares the machine with the server and Redis.',
    ],
  };
}

/** `keep` extends the leases. */
async function serve(stand: Stand): Promise<{ readonly url: string; readonly keep: () => Promise<unknown> }> {
  const { url: redis } = await stand.server();
  const nodes = await startNodes(3);
  stand.later(() => nodes.stop());
  const locks = createLocks({ nodes: nodes.urls });
  stand.later(() => locks.close());
  await locks.initialize();
  const names = Array.from({ length: LEASES }, (_, index) => `account:${index}`);
  const leases = await Promise.all(names.map((name) => locks.acquire(name, { ttl: 30_000 })));
  for (let index = 0; index < QUEUES; index += 1) {
    const queue = createQueue({ redis, name: `queue-${index}` });
    await queue.add({ index });
    await queue.close();
  }
  const server = createServer({ redis, locks, port: 0 });
  stand.later(() => server.close());
  return { url: await server.listen(), keep: () => Promise.all(leases.map((lease) => lease.extend())) };
}

async function start(stand: Stand): Promise<Browser> {
  const executablePath = process.env['HOLDFAST_CHROMIUM'] || '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  stand.later(() => browser.close());
  return browser;
}

interface Visit {
  readonly browser: Browser;
  readonly url: string;
  readonly name: PageName;
  readonly isWarmup: boolean;
}

async function visits(stand: Stand, { browser, url, name, isWarmup }: Visit): Promise<void> {
  const count = stand.pick(9, 2);
  const found: Record<(typeof VISITS)[number], { paint: number; shown: number }[]> = { cold: [], again: [] };
  for (let visit = 0; visit < count; visit += 1) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    for (const kind of VISITS) found[kind].push(await visitTo(page, url, name));
    await page.close();
  }
  if (isWarmup) return;
  for (const kind of VISITS) {
    stand.note(name, kind, {
      [`${name}: first paint, ms`]: median(found[kind].map(({ paint }) => paint)),
      [`${name}: shown, ms`]: median(found[kind].map(({ shown }) => shown)),
    });
  }
}

/** From the beginning of the navigation, in ms. */
async function visitTo(page: Page, url: string, name: PageName): Promise<{ paint: number; shown: number }> {
  const { path, shown } = PAGES[name];
  await page.goto(`${url}${path}`, { waitUntil: 'commit' });
  await page.locator(shown).first().waitFor();
  return page.evaluate<{ paint: number; shown: number }>(
    "({ paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN, shown: performance.now() })",
  );
}
