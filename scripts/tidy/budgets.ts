/**
 * Files and functions stay short, and parameters few, so that each can be read in one go.
 */
import ts from 'typescript';
import {
  descendants,
  isScript,
  isSource,
  lineOfNode,
  parse,
  type Rule,
  type SourceFile,
  type Violation,
} from './files.js';

/** Their functions have a parameter for each part of a path, and nobody reads them through. */
const GENERATED = /^packages\/client\/src\/operations\//;

const LONGEST_FILE = 400;
const LONGEST_FUNCTION = 70;
const MOST_PARAMETERS = 4;

export const budgets: Rule = (files) =>
  files.filter((file) => (isSource(file) || isScript(file)) && !GENERATED.test(file.path)).flatMap(judgeFile);

function judgeFile(file: SourceFile): Violation[] {
  const parsed = parse(file);
  const functions = descendants(parsed).filter(ts.isFunctionLike).flatMap(judgeFunction);
  const found = functions.map(({ line, message }) => ({ path: file.path, line, message }));
  const lines = linesOfCode(parsed);
  if (lines <= LONGEST_FILE) return found;
  const message = `has ${lines} lines of code, and ${LONGEST_FILE} are the most; give a part of it a file of its own`;
  return [{ path: file.path, line: 1, message }, ...found];
}

function judgeFunction(node: ts.SignatureDeclaration): Omit<Violation, 'path'>[] {
  const found: Omit<Violation, 'path'>[] = [];
  const line = lineOfNode(node);
  const length = node.getSourceFile().getLineAndCharacterOfPosition(node.end).line + 2 - line;
  if (length > LONGEST_FUNCTION) {
    const message = `a function of ${length} lines, and ${LONGEST_FUNCTION} are the most; give its parts names`;
    found.push({ line, message });
  }
  const { length: parameters } = node.parameters;
  if (parameters > MOST_PARAMETERS) {
    const message = `${parameters} parameters, and ${MOST_PARAMETERS} are the most; pass an object`;
    found.push({ line, message });
  }
  return found;
}

/** Lines on which there is a token: neither blank nor only a comment. */
function linesOfCode(parsed: ts.SourceFile): number {
  const lines = new Set<number>();
  const visit = (node: ts.Node): void => {
    if (ts.isJSDoc(node)) return;
    const children = node.getChildren();
    for (const child of children) visit(child);
    if (children.length > 0 || node.kind === ts.SyntaxKind.EndOfFileToken || node.getWidth() === 0) return;
    const first = parsed.getLineAndCharacterOfPosition(node.getStart()).line;
    const last = parsed.getLineAndCharacterOfPosition(node.end).line;
    for (let line = first; line <= last; line += 1) lines.add(line);
  };
  visit(parsed);
  return lines.size;
}
