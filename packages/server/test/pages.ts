/** The dashboard in a real browser, for tests: a page object, and what must hold of every page. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';

const SIZES = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };

const LOOKS = [
  { size: SIZES.wide, colorScheme: 'light' },
  { size: SIZES.narrow, colorScheme: 'dark' },
] as const;

const require = createRequire(import.meta.url);
/** Of its two forms, the one that takes a browser half of the time to read. */
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const isFull = process.env['HOLDFAST_TESTS'] === 'full';
/** How often pages have been looked at. */
let looked = 0;

export class Dashboard {
  readonly page: Page;
  readonly #url: string;
  /** What has gone wrong in the page: errors of scripts, and what its policy has refused. */
  readonly problems: string[] = [];

  private constructor(page: Page, url: string) {
    this.page = page;
    this.#url = url;
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('Failed to load resource')) {
        this.problems.push(message.text());
      }
    });
  }

  static async open(browser: Browser, url: string): Promise<Dashboard> {
    const page = await browser.newPage({
      viewport: SIZES.wide,
      reducedMotion: 'reduce',
      colorScheme: 'light',
    });
    page.setDefaultTimeout(20_000);
    return new Dashboard(page, url);
  }

  async go(path: string): Promise<void> {
    await this.page.goto(`${this.#url}${path}`);
  }

  /** Waits until the page's verdict is this. */
  async says(verdict: string | RegExp): Promise<void> {
    await this.page.getByRole('heading', { level: 1, name: verdict }).waitFor();
  }

  async click(name: string | RegExp): Promise<void> {
    await this.page.getByRole('button', { name }).click();
  }

  async follow(name: string | RegExp): Promise<void> {
    await this.page.getByRole('link', { name }).first().click();
  }

  /** Waits until a message says this. */
  async told(text: string | RegExp): Promise<void> {
    await this.page.getByRole('status').getByText(text).waitFor();
  }

  /** The rows of a table, as text. */
  rows(table: string): Promise<string[]> {
    return this.page.getByRole('region', { name: table, exact: true }).locator('tbody tr').allInnerTexts();
  }

  get path(): string {
    return this.page.url().slice(this.#url.length);
  }

  /**
   * What axe finds, wide and light as well as narrow and dark, by turns in the quick check; and nothing is wider than the page.
   */
  async isAccessible(): Promise<void> {
    looked += 1;
    for (const { size, colorScheme } of isFull ? LOOKS : [LOOKS[looked % 2 === 0 ? 0 : 1]]) {
      await this.page.setViewportSize(size);
      await this.page.emulateMedia({ colorScheme });
      // A page that is loaded anew has it no more.
      if (!(await this.page.evaluate('"axe" in window'))) await this.page.evaluate(AXE);
      const found = await this.page.evaluate<string[]>(LOOK);
      expect(found, `${this.path}, ${colorScheme}, ${size.width} wide`).toEqual([]);
    }
    await this.page.setViewportSize(SIZES.wide);
    await this.page.emulateMedia({ colorScheme: 'light' });
    expect(this.problems).toEqual([]);
  }
}

const LOOK = `(async () => {
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  const found = violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => id + ': ' + help + ': ' + html.slice(0, 160)));
  const { scrollWidth, clientWidth } = document.documentElement;
  return scrollWidth > clientWidth ? [...found, 'the page scrolls sideways: ' + scrollWidth] : found;
})()`;
