/**
 * Expressions of Lua as expressions of JavaScript.
 *
 * Compiled code sees: `O` the operators, `F` the library by name, `R` the functions of `redis`, `KEYS` and `ARGV`,
 * `one` and `all` for what functions return, `Multi`, and `C` the counters of the coverage.
 */
import type { Expression, FunctionDeclaration, Identifier, TableConstructorExpression } from 'luaparse';
import { isBracketed } from './brackets.js';
import type { Counting } from './coverage.js';
import { library } from './library.js';
import type { Scope } from './scope.js';
import { LuaError } from './values.js';

export interface ExpressionOptions {
  readonly source: string;
  readonly scope: Scope;
  readonly counting: Counting | undefined;
  /** Compiles a function. */
  readonly onFunction: (declaration: FunctionDeclaration) => string;
}

const ARITHMETIC = new Set(['+', '-', '*', '/']);
const COMPARISONS = new Set(['==', '~=', '<', '>', '<=', '>=']);
const REDIS = new Set(['call', 'pcall', 'register_function', 'error_reply', 'status_reply']);
const INPUT = new Set(['KEYS', 'ARGV']);

type Call = Extract<Expression, { type: 'CallExpression' | 'StringCallExpression' | 'TableCallExpression' }>;

export class Expressions {
  readonly #options: ExpressionOptions;

  constructor(options: ExpressionOptions) {
    this.#options = options;
  }

  /** One value. */
  value(node: Expression): string {
    switch (node.type) {
      case 'Identifier':
        return this.#name(node);
      case 'StringLiteral':
        return JSON.stringify(node.value);
      case 'NumericLiteral':
      case 'BooleanLiteral':
        return String(node.value);
      case 'NilLiteral':
        return 'undefined';
      case 'LogicalExpression':
        return this.#logical(node);
      case 'BinaryExpression':
        return this.#binary(node);
      case 'UnaryExpression':
        return this.#unary(node);
      case 'IndexExpression':
        return `O.get(${this.value(node.base)}, ${this.value(node.index)})`;
      case 'MemberExpression':
        return (
          this.#global(node) ?? `O.get(${this.value(node.base)}, ${JSON.stringify(node.identifier.name)})`
        );
      case 'TableConstructorExpression':
        return this.#table(node);
      case 'FunctionDeclaration':
        return `(${this.#options.onFunction(node)})`;
      case 'VarargLiteral':
        return `${this.#rest()}[0]`;
      default:
        return isCall(node) ? `one(${this.call(node)})` : unsupported(node);
    }
  }

  /** A condition: true or false. */
  condition(node: Expression): string {
    if (node.type === 'LogicalExpression') {
      const operator = node.operator === 'and' ? '&&' : '||';
      const [left, right] = [this.condition(node.left), this.condition(node.right)];
      return this.#counted(node, operator, left, right);
    }
    const isBoolean =
      (node.type === 'BinaryExpression' && COMPARISONS.has(node.operator)) ||
      (node.type === 'UnaryExpression' && node.operator === 'not');
    return isBoolean ? this.value(node) : `O.isTrue(${this.value(node)})`;
  }

  /** What a call returns, however much. */
  call(node: Call): string {
    const args = node.type === 'CallExpression' ? node.arguments : [argumentOf(node)];
    const base = this.value(node.base);
    const isKnown = /^(?:F\[|R\.)/.test(base);
    return `${isKnown ? base : `O.callable(${base})`}(${this.#arguments(args)})`;
  }

  /** So many values as JavaScript expressions, to be evaluated in their order. */
  values(nodes: readonly Expression[], count: number): string[] {
    const last = nodes.at(-1);
    const values = nodes.map((node) => this.value(node));
    if (last && this.#isRest(last) && nodes.length < count) {
      for (let place = 1; values.length < count; place += 1) values.push(`${this.#rest()}[${place}]`);
    }
    if (last && this.#givesAll(last) && nodes.length < count) {
      const temporary = this.#options.scope.temporary();
      values[values.length - 1] = `(${temporary} = all(${this.call(last)}))[0]`;
      for (let place = 1; values.length < count; place += 1) values.push(`${temporary}[${place}]`);
    }
    while (values.length < count) values.push('undefined');
    return values;
  }

  /** An array of all values of a list. */
  list(nodes: readonly Expression[]): string {
    return `[${this.#arguments(nodes)}]`;
  }

  /** What a function returns. */
  returned(nodes: readonly Expression[]): string {
    const [only] = nodes;
    if (only === undefined) return 'new Multi([])';
    if (nodes.length > 1 || this.#isRest(only)) return `new Multi(${this.list(nodes)})`;
    return this.#givesAll(only) ? this.call(only) : this.value(only);
  }

  #arguments(nodes: readonly Expression[]): string {
    const last = nodes.at(-1);
    const values = nodes.map((node) => this.value(node));
    if (last && this.#givesAll(last)) values[values.length - 1] = `...all(${this.call(last)})`;
    if (last && this.#isRest(last)) values[values.length - 1] = `...${this.#rest()}`;
    return values.join(', ');
  }

  /** Whether it is a call that gives all its values where it stands last. */
  #givesAll(node: Expression): node is Call {
    return isCall(node) && !isBracketed(this.#options.source, node);
  }

  #isRest(node: Expression): boolean {
    return node.type === 'VarargLiteral' && !isBracketed(this.#options.source, node);
  }

  /** What the function was given behind its parameters, an array. */
  #rest(): string {
    const rest = this.#options.scope.find('...');
    if (rest === undefined) throw new LuaError('variable arguments are not supported here');
    return rest;
  }

  #name({ name }: Identifier): string {
    const local = this.#options.scope.find(name);
    if (local !== undefined) return local;
    if (INPUT.has(name)) return name;
    if (library.has(name)) return `F[${JSON.stringify(name)}]`;
    throw new LuaError(`the global "${name}" is not supported here`);
  }

  /** A function of the library or of Redis, which no local of the script hides. */
  #global(node: Extract<Expression, { type: 'MemberExpression' }>): string | undefined {
    const { base, identifier } = node;
    if (base.type !== 'Identifier' || this.#options.scope.find(base.name) !== undefined) return undefined;
    const name = `${base.name}.${identifier.name}`;
    if (base.name === 'redis' && REDIS.has(identifier.name)) return `R.${identifier.name}`;
    if (library.has(name)) return `F[${JSON.stringify(name)}]`;
    throw new LuaError(`"${name}" is not supported here`);
  }

  #logical(node: Extract<Expression, { type: 'LogicalExpression' }>): string {
    const temporary = this.#options.scope.temporary();
    const test = `O.isTrue(${temporary} = ${this.value(node.left)})`;
    const right = this.#count(node, 'right side', this.value(node.right));
    const left = this.#count(node, 'left side alone', temporary);
    return node.operator === 'and' ? `(${test} ? ${right} : ${left})` : `(${test} ? ${left} : ${right})`;
  }

  #counted(node: Expression, operator: '&&' | '||', left: string, right: string): string {
    if (!this.#options.counting) return `(${left} ${operator} ${right})`;
    const [counted, alone] = [
      this.#count(node, 'right side', right),
      this.#count(node, 'left side alone', String(operator === '||')),
    ];
    return operator === '&&' ? `(${left} ? ${counted} : ${alone})` : `(${left} ? ${alone} : ${counted})`;
  }

  #count(node: Expression, what: string, code: string): string {
    const { counting } = this.#options;
    const place = `${what} of "${node.type === 'LogicalExpression' ? node.operator : ''}" in column ${node.loc?.start.column}`;
    return counting ? `(${counting.point(node.loc?.start.line ?? 0, place)}, ${code})` : code;
  }

  #binary({ operator, left, right }: Extract<Expression, { type: 'BinaryExpression' }>): string {
    const [a, b] = [this.value(left), this.value(right)];
    if (ARITHMETIC.has(operator)) return `(O.toNumber(${a}) ${operator} O.toNumber(${b}))`;
    switch (operator) {
      case '==':
        return `(${a} === ${b})`;
      case '~=':
        return `(${a} !== ${b})`;
      case '<':
        return `O.isLess(${a}, ${b})`;
      case '>':
        return `O.isLess(${b}, ${a})`;
      case '<=':
        return `O.isAtMost(${a}, ${b})`;
      case '>=':
        return `O.isAtMost(${b}, ${a})`;
      case '..':
        return `O.concat(${a}, ${b})`;
      case '%':
        return `O.modulo(${a}, ${b})`;
      default:
        throw new LuaError(`the operator "${operator}" is not supported here`);
    }
  }

  #unary({ operator, argument }: Extract<Expression, { type: 'UnaryExpression' }>): string {
    if (operator === 'not') return `!${this.condition(argument)}`;
    if (operator === '-') return `(-O.toNumber(${this.value(argument)}))`;
    if (operator === '#') return `O.length(${this.value(argument)})`;
    throw new LuaError(`the operator "${operator}" is not supported here`);
  }

  #table({ fields }: TableConstructorExpression): string {
    const values: Expression[] = [];
    const named: string[] = [];
    for (const field of fields) {
      if (field.type === 'TableValue') values.push(field.value);
      else {
        const key = field.type === 'TableKey' ? this.value(field.key) : JSON.stringify(field.key.name);
        named.push(`[${key}, ${this.value(field.value)}]`);
      }
    }
    return `O.table(${this.list(values)}, [${named.join(', ')}])`;
  }
}

const isCall = (node: Expression): node is Call =>
  node.type === 'CallExpression' ||
  node.type === 'StringCallExpression' ||
  node.type === 'TableCallExpression';

const argumentOf = (node: Exclude<Call, { type: 'CallExpression' }>): Expression =>
  node.type === 'StringCallExpression' ? node.argument : (node.arguments as unknown as Expression);

function unsupported(node: Expression): never {
  throw new LuaError(`${node.type} is not supported here`);
}
