/**
 * Time and chance come in: only the kernel reads the machine's clock, sets timers and draws numbers.
 */
import ts from 'typescript';
import {
  descendants,
  isSource,
  lineOfNode,
  packageOf,
  parse,
  type Rule,
  type SourceFile,
  type Violation,
} from './files.js';

const MEMBERS = ['Date.now', 'performance.now', 'Math.random', 'process.hrtime'];
const TIMERS = ['setTimeout', 'setInterval', 'setImmediate'];
const MODULES = /^(node:)?timers(\/promises)?$/;
/** The client has no kernel: it runs where only the web's interfaces are. */
const FREE = [undefined, 'kernel', 'client'];
const GLOBALS = ['globalThis', 'global'];

export const timeAndChance: Rule = (files) =>
  files.filter((file) => isSource(file) && !FREE.includes(packageOf(file))).flatMap(judge);

function judge(file: SourceFile): Violation[] {
  return descendants(parse(file)).flatMap((node) => {
    const banned = bannedBy(node);
    if (banned === undefined) return [];
    const message = `${banned} is for the kernel only; take its Clock or Random as an argument`;
    return [{ path: file.path, line: lineOfNode(node), message }];
  });
}

function bannedBy(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node)) return isImported(node) && MODULES.test(node.text) ? node.text : undefined;
  if (ts.isNewExpression(node)) {
    return node.expression.getText() === 'Date' && !node.arguments?.length ? 'new Date()' : undefined;
  }
  if (ts.isCallExpression(node) && node.expression.getText() === 'Date') return 'Date()';
  if (ts.isIdentifier(node)) return TIMERS.includes(node.text) && isFree(node) ? node.text : undefined;
  const name = memberName(node);
  return name !== undefined && [...MEMBERS, ...TIMERS].includes(name) ? name : undefined;
}

const isImported = ({ parent }: ts.StringLiteral): boolean =>
  ts.isImportDeclaration(parent) ||
  (ts.isCallExpression(parent) && parent.expression.kind === ts.SyntaxKind.ImportKeyword);

/** Whether an identifier stands for the global of its name, not for a member or a type. */
function isFree(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isTypeQueryNode(parent) || ts.isImportSpecifier(parent)) return false;
  const named = parent as { name?: ts.Node };
  return ts.isShorthandPropertyAssignment(parent) || named.name !== node;
}

/** `Date.now`, also when it is written `globalThis.Date.now` or `Date['now']`; `globalThis.x` is `x`. */
function memberName(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) return join(node.expression, node.name.text);
  if (!ts.isElementAccessExpression(node) || !ts.isStringLiteralLike(node.argumentExpression))
    return undefined;
  return join(node.expression, node.argumentExpression.text);
}

function join(object: ts.Expression, member: string): string {
  const owner = memberName(object) ?? object.getText();
  return GLOBALS.includes(owner) ? member : `${owner}.${member}`;
}
