/**
 * No file imports itself through others, not even for a type: what two files need of each other belongs into a third.
 */
import { posix } from 'node:path';
import { isSource, type Rule, type SourceFile, type Violation } from './files.js';
import { importsOf } from './layers.js';

interface Arrow {
  readonly to: string;
  readonly line: number;
}

export const circles: Rule = (files) => {
  const arrows = new Map(files.filter(isSource).map((file) => [file.path, arrowsOf(file)]));
  return [...arrows].flatMap(([path, own]) => own.flatMap((arrow) => judge(path, arrow, arrows)));
};

function arrowsOf(file: SourceFile): Arrow[] {
  return importsOf(file).flatMap(({ name, line }) => {
    if (!name.startsWith('.')) return [];
    const to = posix.join(posix.dirname(file.path), name).replace(/\.js$/, '.ts');
    return [{ to, line }];
  });
}

/** Reported once a circle: at its file that is first by name. */
function judge(path: string, arrow: Arrow, arrows: ReadonlyMap<string, readonly Arrow[]>): Violation[] {
  const way = wayBack(arrow.to, path, arrows);
  if (way === undefined || way.some((other) => other < path)) return [];
  return [
    {
      path,
      line: arrow.line,
      message: `imports itself through ${way.join(', ')}; move what both need into a file of its own`,
    },
  ];
}

/** The files on the shortest way from one file to another; undefined if there is none. */
function wayBack(
  from: string,
  to: string,
  arrows: ReadonlyMap<string, readonly Arrow[]>,
): readonly string[] | undefined {
  const ways: string[][] = [[from]];
  const seen = new Set([from]);
  for (const way of ways) {
    for (const next of arrows.get(way.at(-1) ?? '') ?? []) {
      if (next.to === to) return way;
      if (!seen.has(next.to)) ways.push([...way, next.to]);
      seen.add(next.to);
    }
  }
  return undefined;
}
