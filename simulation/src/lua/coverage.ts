/**
 * Which lines and branches of the shipped Lua were reached, over all runs of this process in which it was switched on.
 *
 * A script is joined from several files; what is counted in it is attributed to the file and the line where it stands.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One thing that may be reached. */
interface Point {
  readonly line: number;
  readonly what: string;
}

interface Counted {
  readonly text: string;
  readonly points: readonly Point[];
  readonly hits: readonly number[];
}

export interface FileCoverage {
  readonly file: string;
  readonly lines: { readonly hit: number; readonly all: number };
  readonly branches: { readonly hit: number; readonly all: number };
  /** What was not reached, as "line: what". */
  readonly missing: readonly string[];
}

const counted: Counted[] = [];
let isOn = false;

/** From now on, what is compiled counts. */
export function switchOnCoverage(): void {
  isOn = true;
}

/** Names what is compiled in, if it is to be counted. */
export class Counting {
  readonly #points: Point[] = [];
  readonly hits: number[] = [];

  /** For a script of this text; undefined if nothing is counted. */
  static begin(text: string): Counting | undefined {
    if (!isOn) return undefined;
    const counting = new Counting();
    counted.push({ text, points: counting.#points, hits: counting.hits });
    return counting;
  }

  /** JavaScript that counts. */
  point(line: number, what: string): string {
    this.#points.push({ line, what });
    this.hits.push(0);
    return `C[${this.hits.length - 1}]++`;
  }
}

const FOLDERS = ['redis', 'lock', 'fence'].map(
  (name) => new URL(`../../../packages/${name}/lua/`, import.meta.url),
);

/** A line a file of the packages. */
export function coverageReport(): readonly FileCoverage[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(folder).map((name) => {
      const path = fileURLToPath(new URL(name, folder));
      return reportOn(path.replace(/^.*\/packages\//, 'packages/'), readFileSync(path, 'utf8'));
    }),
  );
}

function reportOn(file: string, text: string): FileCoverage {
  const reached = new Map<string, boolean>();
  for (const each of counted) {
    for (const before of placesOf(text.trimEnd(), each.text)) {
      const last = before + text.trimEnd().split('\n').length;
      each.points.forEach(({ line, what }, index) => {
        if (line <= before || line > last) return;
        const name = `${line - before}: ${what}`;
        reached.set(name, (reached.get(name) ?? false) || (each.hits[index] ?? 0) > 0);
      });
    }
  }
  const names = [...reached.keys()];
  const sum = (chosen: readonly string[]): { hit: number; all: number } => ({
    hit: chosen.filter((name) => reached.get(name)).length,
    all: chosen.length,
  });
  const isLine = (name: string): boolean => name.endsWith(': line');
  return {
    file,
    lines: sum(names.filter(isLine)),
    branches: sum(names.filter((name) => !isLine(name))),
    missing: names.filter((name) => !reached.get(name)),
  };
}

/** How many lines stand before each place at which a part stands; a library has some parts several times. */
function placesOf(part: string, whole: string): number[] {
  const places: number[] = [];
  for (let at = whole.indexOf(part); at >= 0; at = whole.indexOf(part, at + 1)) {
    places.push(whole.slice(0, at).split('\n').length - 1);
  }
  return places;
}
