/** A real Chromium without a window, for the tests of pages. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** scripts/setup.mjs has seen to it that there is one. */
function findBrowser(): string {
  const { HOLDFAST_CHROMIUM: chosen, PATH: path = '' } = process.env;
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const places = names.flatMap((name) => path.split(delimiter).map((place) => join(place, name)));
  const found = [...(chosen ? [chosen] : []), ...places].find((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error('There is no Chromium; "node scripts/check.mjs" installs one.');
  return found;
}

export function startBrowser(): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'];
  return chromium.launch({ executablePath: findBrowser(), args });
}
