/**
 * What the rules look at and what they report, and the folders that they speak of.
 */
import ts from 'typescript';

export interface SourceFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Violation {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  /** What is wrong and what to do. */
  readonly message: string;
}

/** A rule is pure: the same files give the same violations. */
export type Rule = (files: readonly SourceFile[]) => Violation[];

/** Code that is shipped or run by users: `packages/<p>/src`, `examples/src`, and so on. */
export const isSource = ({ path }: SourceFile): boolean =>
  /^(packages\/[^/]+|examples|benchmarks|simulation|faults)\/src\/.*\.ts$/.test(path);

export const isScript = ({ path }: SourceFile): boolean => /^scripts\/.*\.(ts|mjs)$/.test(path);

export const isMarkdown = ({ path }: SourceFile): boolean => path.endsWith('.md');

/** The package in whose folder a file lies, or undefined. */
export const packageOf = ({ path }: SourceFile): string | undefined => /^packages\/([^/]+)\//.exec(path)?.[1];

export const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/** A violation for each match for which `judge` has words. */
export function judgeMatches(
  file: SourceFile,
  pattern: RegExp,
  judge: (found: RegExpMatchArray) => string | undefined,
): Violation[] {
  return [...file.text.matchAll(pattern)].flatMap((found) => {
    const message = judge(found);
    return message === undefined ? [] : [{ path: file.path, line: lineAt(file.text, found.index), message }];
  });
}

/** The same text with each match blanked, so that lines keep their numbers. */
export const blank = (text: string, pattern: RegExp): string =>
  text.replace(pattern, (match) => match.replace(/[^\n]/g, ' '));

const parsed = new WeakMap<SourceFile, ts.SourceFile>();

/** Parses a file once, however many rules look at it. */
export function parse(file: SourceFile): ts.SourceFile {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const fresh = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true);
  parsed.set(file, fresh);
  return fresh;
}

export const lineOfNode = (node: ts.Node): number =>
  node.getSourceFile().getLineAndCharacterOfPosition(node.getStart()).line + 1;

/** Every node below `root`, parents first. */
export function descendants(root: ts.Node): ts.Node[] {
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(root);
  return found;
}
