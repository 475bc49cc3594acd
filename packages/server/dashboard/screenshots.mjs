/**
 * `npm run screenshots`: pictures of the dashboard's pages into docs/dashboard, from a real server with real nodes and
 * workers. With words as arguments, only of the pages whose names contain one of them.
 *
 * Guarantees: nothing is left running. A page whose script fails ends the program with exit code 1.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, setup } from '../../../scripts/setup.mjs';

setup({ build: true, tests: true });
const [{ chromium }, { default: sharp }, { populate }] = await Promise.all([
  import('playwright-core'),
  import('sharp'),
  import('./populate.mjs'),
]);

const FOLDER = join(ROOT, 'docs', 'dashboard');
const PAGES = [
  { name: 'overview', path: '/' },
  { name: 'queues', path: '/queues' },
  { name: 'queue', path: '/queues/images?state=dead' },
  { name: 'task', path: '/queues/images/tasks/cat-7' },
  { name: 'nodes', path: '/nodes' },
  { name: 'locks', path: '/locks' },
  { name: 'lock', path: '/locks/account:42' },
  { name: 'workflows', path: '/workflows' },
  { name: 'run', path: '/workflows/fraud/runs/order-4182?stream=reasons' },
  { name: 'view', path: '/features/shop/profile?id=u9' },
  { name: 'vectors', path: '/vectors/products?vector=1%2C0.5%2C0.1' },
  { name: 'settings', path: '/settings' },
];
const LOOKS = [
  { ending: '', width: 1280, height: 800, colorScheme: 'light' },
  { ending: '-dark', width: 1280, height: 800, colorScheme: 'dark', only: ['overview', 'lock', 'run'] },
  { ending: '-narrow', width: 390, height: 844, colorScheme: 'light', only: ['overview', 'queue', 'lock'] },
];

const words = process.argv.slice(2);
mkdirSync(FOLDER, { recursive: true });
const { url, stop } = await populate();
const executablePath = process.env.HOLDFAST_CHROMIUM || '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  for (const look of LOOKS) await shoot(look);
} finally {
  await browser.close();
  await stop();
}

async function shoot({ ending, width, height, colorScheme, only }) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' });
  page.on('pageerror', (error) => {
    console.error(error);
    process.exitCode = 1;
  });
  const wanted = PAGES.filter(
    ({ name }) =>
      (only?.includes(name) ?? true) && (words.length === 0 || words.some((word) => name.includes(word))),
  );
  for (const { name, path } of wanted) {
    await page.goto(`${url}${path}`);
    await page.locator('h1').waitFor();
    // Sparks need two seconds of their course.
    await page.waitForTimeout(2_500);
    const picture = await page.screenshot({ fullPage: height < 800 || name !== 'overview' });
    const file = `${name}${ending}.webp`;
    const { size } = await sharp(picture).webp({ quality: 70, effort: 6 }).toFile(join(FOLDER, file));
    console.log(`docs/dashboard/${file}  ${Math.round(size / 1_024)} KB`);
  }
  await page.close();
}
