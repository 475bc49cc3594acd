/** The page of the image pipeline in a real browser: a picture is chosen, and its thumbnail and its other version appear. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalNodes, startNodes } from '@holdfast/local';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowser } from './browser.js';
import { Program } from './program.js';

/** What of an image in the page is looked at. */
interface Shown {
  readonly naturalWidth: number;
  readonly naturalHeight: number;
  decode(): Promise<void>;
}

let nodes: LocalNodes;
let folder = '';
let program: Program;
let browser: Browser;

beforeAll(async () => {
  nodes = await startNodes(1);
  folder = await mkdtemp(join(tmpdir(), 'pictures-'));
  program = new Program('image-pipeline/main.ts', ['all'], { REDIS_URL: nodes.urls[0] ?? '', STORE: folder });
  browser = await startBrowser();
  await program.printed('all: ready');
}, 60_000);
afterAll(async () => {
  await browser.close();
  program.process.kill('SIGKILL');
  await program.ended();
  await nodes.stop();
  await rm(folder, { recursive: true });
});

it('shows pictures arriving', { timeout: 60_000 }, async () => {
  const url = /http:\/\/localhost:\d+/.exec(program.output)?.[0] ?? '';
  const picture = join(folder, 'red.png');
  await sharp({ create: { width: 320, height: 240, channels: 3, background: 'red' } }).toFile(picture);
  const text = join(folder, 'text.png');
  await writeFile(text, 'this is text');

  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(url);
  await page.getByLabel('Pictures to upload').setInputFiles([picture, picture]);
  await page.getByRole('link', { name: 'watermarked' }).nth(1).waitFor({ timeout: 30_000 });
  const thumbnails = page.getByRole('img', { name: 'thumbnail' });
  expect(await thumbnails.count()).toBe(2);
  const size = await thumbnails.first().evaluate(async (element) => {
    const image = element as unknown as Shown;
    await image.decode();
    return [image.naturalWidth, image.naturalHeight];
  });
  expect(size).toEqual([200, 200]);

  await page.getByLabel('Pictures to upload').setInputFiles(text);
  await page.getByText('That is not a picture.').waitFor({ timeout: 30_000 });
  expect(await thumbnails.count()).toBe(2);
  expect(problems).toEqual([]);
});
