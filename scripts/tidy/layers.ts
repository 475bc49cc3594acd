/**
 * Packages import strictly downward, siblings never, and others only by their entry points.
 */
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import ts from 'typescript';
import {
  descendants,
  isSource,
  lineAt,
  lineOfNode,
  packageOf,
  parse,
  type Rule,
  type SourceFile,
  type Violation,
} from './files.js';

const BELOW_LOCK = ['kernel', 'redis', 'telemetry', 'fence'];
const BELOW_SERVER = [...BELOW_LOCK, 'lock', 'queue', 'features', 'vectors', 'workflow'];

/** Which packages a package may import. A new package gets a line here. */
const LAYERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['kernel', []],
  ['redis', ['kernel']],
  ['telemetry', ['kernel']],
  ['fence', ['kernel', 'redis', 'telemetry']],
  ['lock', BELOW_LOCK],
  ['queue', BELOW_LOCK],
  ['features', BELOW_LOCK],
  ['vectors', BELOW_LOCK],
  ['workflow', [...BELOW_LOCK, 'lock', 'queue']],
  ['server', BELOW_SERVER],
  ['holdfast', [...BELOW_SERVER, 'server', 'local', 'client', 'mcp']],
  ['local', ['kernel']],
  ['client', []],
  ['mcp', ['kernel', 'client']],
]);

/** Packages whose sources use no library of others. */
const SELF_CONTAINED = ['kernel', 'local', 'client'];

export const layers: Rule = (files) => [
  ...files.filter(isSource).flatMap((file) => importsOf(file).flatMap(judgeImport(file))),
  ...files
    .filter(({ path }) => /^packages\/[^/]+\/package\.json$/.test(path))
    .flatMap((file) => dependenciesOf(file).flatMap(judgeDependency(file))),
];

export interface Import {
  readonly name: string;
  readonly line: number;
}

/** What a file imports or re-exports, in every way of writing it. */
export function importsOf(file: SourceFile): Import[] {
  return descendants(parse(file)).flatMap((node) => {
    const name = importedName(node);
    return name !== undefined && ts.isStringLiteralLike(name)
      ? [{ name: name.text, line: lineOfNode(node) }]
      : [];
  });
}

function importedName(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isExternalModuleReference(node)) return node.expression;
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal;
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return node.arguments[0];
  return undefined;
}

const judgeImport =
  (file: SourceFile) =>
  ({ name, line }: Import): Violation[] => {
    const message = name.startsWith('.') ? judgePath(file, name) : judgeName(packageOf(file), name);
    return message === undefined ? [] : [{ path: file.path, line, message }];
  };

function judgePath(file: SourceFile, name: string): string | undefined {
  const home = `${/^.*?\/?src\//.exec(file.path)?.[0]}`;
  const target = posix.join(posix.dirname(file.path), name);
  if (target.startsWith(home)) return undefined;
  return `imports ${target}, which is outside ${home}; import the entry point of a package`;
}

function judgeName(own: string | undefined, name: string): string | undefined {
  if (/^@holdfast\/[^/]+\/(src|dist|test)(\/|$)/.test(name)) {
    return `imports ${name}, the inside of a package; import its entry point`;
  }
  if (own === undefined || isBuiltin(name)) return undefined;
  const target = holdfastPackage(name);
  if (target !== undefined) return judgeTarget(own, target);
  if (!SELF_CONTAINED.includes(own)) return undefined;
  return `${own} uses no library of others; do without ${name}`;
}

const holdfastPackage = (name: string): string | undefined =>
  /^@holdfast\/([^/]+)/.exec(name)?.[1] ?? /^(holdfast)(?:\/|$)/.exec(name)?.[1];

function judgeTarget(own: string, target: string): string | undefined {
  const allowed = LAYERS.get(own);
  if (allowed === undefined) return `the package ${own} has no layer; give it one in scripts/tidy/layers.ts`;
  if (allowed.includes(target)) return undefined;
  return `${own} must not import ${target}; it may import ${allowed.join(', ') || 'Node built-ins only'}`;
}

/** The packages that a package.json asks for at run time, with their lines. */
function dependenciesOf(file: SourceFile): Import[] {
  const manifest: Partial<Record<string, Record<string, string>>> = JSON.parse(file.text);
  const asked = ['dependencies', 'peerDependencies', 'optionalDependencies'].flatMap((field) => {
    const from = file.text.indexOf(`"${field}"`);
    return Object.keys(manifest[field] ?? {}).map((name) => ({
      name,
      line: lineAt(file.text, file.text.indexOf(`"${name}"`, from)),
    }));
  });
  return asked;
}

const judgeDependency =
  (file: SourceFile) =>
  ({ name, line }: Import): Violation[] => {
    const message = judgeName(packageOf(file), name);
    return message === undefined ? [] : [{ path: file.path, line, message }];
  };
