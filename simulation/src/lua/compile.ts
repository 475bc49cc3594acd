import luaparse from 'luaparse';

// biome-ignore-all lint/suspicious/noExplicitAny: stopgap
type Node = any;

export function compile(text: string): (L: any, redis: any, KEYS: any, ARGV: any) => unknown {
  const ast = luaparse.parse(text.replace(/^#![^\n]*/, ''), { luaVersion: '5.1', comments: false } as never);
  const body = new Compiler().chunk(ast);
  return new Function('L', 'redis', 'KEYS', 'ARGV', body) as never;
}

const GLOBALS: Record<string, string> = {
  tonumber: 'L.tonumber',
  tostring: 'L.tostring',
  type: 'L.type',
  unpack: 'L.unpack',
  ipairs: 'L.ipairs',
  pairs: 'L.pairs',
  error: 'L.error',
  pcall: 'L.pcall',
  KEYS: 'KEYS',
  ARGV: 'ARGV',
};
const LIBS = new Set(['string', 'math', 'table']);

class Compiler {
  #scopes: Map<string, string>[] = [new Map()];
  #n = 0;
  #temps: string[][] = [];

  chunk(ast: Node): string {
    this.#temps.push([]);
    const code = this.block(ast.body);
    return `"use strict";${this.temps()}${code}`;
  }
  temps(): string {
    const t = this.#temps.pop() ?? [];
    return t.length ? `let ${t.join(',')};` : '';
  }
  temp(): string {
    this.#n += 1;
    const name = `t${this.#n}`;
    this.#temps.at(-1)?.push(name);
    return name;
  }
  declare(name: string): string {
    this.#n += 1;
    const js = `${name}$${this.#n}`;
    this.#scopes.at(-1)?.set(name, js);
    return js;
  }
  lookup(name: string): string | undefined {
    for (let i = this.#scopes.length - 1; i >= 0; i -= 1) {
      const js = this.#scopes[i]?.get(name);
      if (js) return js;
    }
    return undefined;
  }
  block(stmts: Node[]): string {
    this.#scopes.push(new Map());
    const code = stmts.map((s) => this.stmt(s)).join('\n');
    this.#scopes.pop();
    return code;
  }
  stmt(s: Node): string {
    switch (s.type) {
      case 'LocalStatement': {
        const values = this.values(s.init, s.variables.length);
        // Evaluate before the names are in scope.
        if (s.variables.length === 1) {
          const v = values[0];
          return `let ${this.declare(s.variables[0].name)} = ${v};`;
        }
        const pre = values.map((v) => {
          const t = this.temp();
          return [t, v] as const;
        });
        return `${pre.map(([t, v]) => `${t} = ${v};`).join('')}${s.variables.map((v: Node, i: number) => `let ${this.declare(v.name)} = ${pre[i]?.[0]};`).join('')}`;
      }
      case 'AssignmentStatement': {
        const values = this.values(s.init, s.variables.length);
        if (s.variables.length === 1) return this.assign(s.variables[0], values[0] as string);
        const pre = values.map((v) => {
          const t = this.temp();
          return [t, v] as const;
        });
        return `${pre.map(([t, v]) => `${t} = ${v};`).join('')}${s.variables.map((v: Node, i: number) => this.assign(v, pre[i]?.[0] as string)).join('')}`;
      }
      case 'CallStatement':
        return `${this.call(s.expression)};`;
      case 'FunctionDeclaration': {
        if (!s.isLocal) throw new Error('only local functions');
        const name = this.declare(s.identifier.name);
        return `const ${name} = ${this.fn(s)};`;
      }
      case 'ReturnStatement':
        return `return ${this.list(s.arguments)};`;
      case 'IfStatement':
        return s.clauses
          .map((c: Node, i: number) => {
            const head =
              c.type === 'ElseClause' ? 'else' : `${i ? 'else ' : ''}if (${this.cond(c.condition)})`;
            return `${head} {${this.block(c.body)}}`;
          })
          .join(' ');
      case 'WhileStatement':
        return `while (${this.cond(s.condition)}) {${this.block(s.body)}}`;
      case 'DoStatement':
        return `{${this.block(s.body)}}`;
      case 'BreakStatement':
        return 'break;';
      case 'ForNumericStatement': {
        const start = this.expr(s.start);
        const end = this.expr(s.end);
        const step = s.step ? this.expr(s.step) : '1';
        this.#scopes.push(new Map());
        const i = this.declare('i');
        const e = this.declare('e');
        const st = this.declare('st');
        const v = this.declare(s.variable.name);
        const code = `for (let ${i} = L.num(${start}), ${e} = L.num(${end}), ${st} = L.num(${step}); ${st} > 0 ? ${i} <= ${e} : ${i} >= ${e}; ${i} += ${st}) { let ${v} = ${i}; ${this.block(s.body)}}`;
        this.#scopes.pop();
        return code;
      }
      case 'ForGenericStatement': {
        const it = this.list(s.iterators);
        this.#scopes.push(new Map());
        const f = this.declare('f');
        const r = this.declare('r');
        const names = s.variables.map((v: Node) => this.declare(v.name));
        const code = `{ const ${f} = ${it}; let ${names[0]}c = ${f}[2]; for (;;) { const ${r} = ${f}[0](${f}[1], ${names[0]}c) ?? []; if (${r}[0] === undefined) break; ${names[0]}c = ${r}[0]; ${names.map((n: string, i: number) => `let ${n} = ${r}[${i}];`).join('')} ${this.block(s.body)} } }`;
        this.#scopes.pop();
        return code;
      }
      default:
        throw new Error(`Lua: ${s.type} is not supported`);
    }
  }
  assign(target: Node, value: string): string {
    if (target.type === 'Identifier') {
      const js = this.lookup(target.name);
      if (!js) throw new Error(`Lua: global ${target.name}`);
      return `${js} = ${value};`;
    }
    if (target.type === 'IndexExpression')
      return `L.set(${this.expr(target.base)}, ${this.expr(target.index)}, ${value});`;
    if (target.type === 'MemberExpression')
      return `L.set(${this.expr(target.base)}, ${JSON.stringify(target.identifier.name)}, ${value});`;
    throw new Error(`Lua: assign ${target.type}`);
  }
  isMulti(e: Node): boolean {
    return (
      e.type === 'CallExpression' || e.type === 'StringCallExpression' || e.type === 'TableCallExpression'
    );
  }
  /** JS expressions for exactly `count` values. */
  values(init: Node[], count: number): string[] {
    const out: string[] = [];
    init.forEach((e, i) => {
      if (i === init.length - 1 && init.length < count && this.isMulti(e)) {
        const t = this.temp();
        out.push(`(${t} = ${this.call(e)} ?? [])[0]`);
        for (let k = 1; out.length < count; k += 1) out.push(`${t}[${k}]`);
      } else out.push(this.expr(e));
    });
    while (out.length < count) out.push('undefined');
    return out;
  }
  /** A JS array of an expression list. */
  list(args: Node[]): string {
    const last = args.at(-1);
    if (!last) return '[]';
    if (this.isMulti(last)) {
      if (args.length === 1) return `(${this.call(last)} ?? [])`;
      return `[${args
        .slice(0, -1)
        .map((a) => this.expr(a))
        .join(', ')}, ...(${this.call(last)} ?? [])]`;
    }
    return `[${args.map((a) => this.expr(a)).join(', ')}]`;
  }
  args(args: Node[]): string {
    const last = args.at(-1);
    if (!last) return '';
    const head = args.slice(0, -1).map((a) => this.expr(a));
    return [...head, this.isMulti(last) ? `...(${this.call(last)} ?? [])` : this.expr(last)].join(', ');
  }
  call(e: Node): string {
    const args = e.type === 'CallExpression' ? e.arguments : [e.argument ?? e.arguments];
    return `${this.expr(e.base)}(${this.args(args)})`;
  }
  fn(s: Node): string {
    this.#temps.push([]);
    this.#scopes.push(new Map());
    const params = s.parameters.map((p: Node) => this.declare(p.name));
    const code = this.block(s.body);
    this.#scopes.pop();
    return `function (${params.join(', ')}) {${this.temps()}${code}}`;
  }
  cond(e: Node): string {
    if (e.type === 'BinaryExpression' && ['==', '~=', '<', '>', '<=', '>='].includes(e.operator))
      return this.expr(e);
    if (e.type === 'UnaryExpression' && e.operator === 'not') return this.expr(e);
    if (e.type === 'LogicalExpression')
      return `(${this.cond(e.left)} ${e.operator === 'and' ? '&&' : '||'} ${this.cond(e.right)})`;
    return `L.t(${this.expr(e)})`;
  }
  expr(e: Node): string {
    switch (e.type) {
      case 'Identifier': {
        const js = this.lookup(e.name) ?? GLOBALS[e.name];
        if (!js) throw new Error(`Lua: unknown global ${e.name}`);
        return js;
      }
      case 'StringLiteral':
        return JSON.stringify(e.value ?? unquote(e.raw));
      case 'NumericLiteral':
        return String(e.value);
      case 'BooleanLiteral':
        return String(e.value);
      case 'NilLiteral':
        return 'undefined';
      case 'LogicalExpression': {
        const t = this.temp();
        const left = this.expr(e.left);
        return e.operator === 'and'
          ? `(L.t(${t} = ${left}) ? ${this.expr(e.right)} : ${t})`
          : `(L.t(${t} = ${left}) ? ${t} : ${this.expr(e.right)})`;
      }
      case 'BinaryExpression': {
        const a = this.expr(e.left);
        const b = this.expr(e.right);
        switch (e.operator) {
          case '==':
            return `(${a} === ${b})`;
          case '~=':
            return `(${a} !== ${b})`;
          case '<':
            return `L.lt(${a}, ${b})`;
          case '>':
            return `L.lt(${b}, ${a})`;
          case '<=':
            return `L.le(${a}, ${b})`;
          case '>=':
            return `L.le(${b}, ${a})`;
          case '..':
            return `L.concat(${a}, ${b})`;
          case '+':
          case '-':
          case '*':
          case '/':
            return `(L.num(${a}) ${e.operator} L.num(${b}))`;
          case '%':
            return `L.mod(${a}, ${b})`;
          default:
            throw new Error(`Lua: operator ${e.operator}`);
        }
      }
      case 'UnaryExpression':
        if (e.operator === 'not') return `!${this.cond(e.argument)}`;
        if (e.operator === '-') return `(-L.num(${this.expr(e.argument)}))`;
        return `L.len(${this.expr(e.argument)})`;
      case 'CallExpression':
      case 'StringCallExpression':
      case 'TableCallExpression':
        return `L.first(${this.call(e)})`;
      case 'IndexExpression':
        return `L.get(${this.expr(e.base)}, ${this.expr(e.index)})`;
      case 'MemberExpression': {
        const { base } = e;
        if (base.type === 'Identifier' && this.lookup(base.name) === undefined) {
          if (LIBS.has(base.name)) return `L.${base.name}_${e.identifier.name}`;
          if (base.name === 'redis') return `redis.${e.identifier.name}`;
        }
        return `L.get(${this.expr(base)}, ${JSON.stringify(e.identifier.name)})`;
      }
      case 'TableConstructorExpression': {
        const positional = e.fields.filter((f: Node) => f.type === 'TableValue').map((f: Node) => f.value);
        const named = e.fields
          .filter((f: Node) => f.type !== 'TableValue')
          .map(
            (f: Node) =>
              `[${f.type === 'TableKeyString' ? JSON.stringify(f.key.name) : this.expr(f.key)}, ${this.expr(f.value)}]`,
          );
        return `L.table(${this.list(positional)}${named.length ? `, [${named.join(', ')}]` : ''})`;
      }
      case 'FunctionDeclaration':
        return `(${this.fn(e)})`;
      default:
        throw new Error(`Lua: ${e.type} is not supported`);
    }
  }
}

function unquote(raw: string): string {
  if (raw.startsWith('[')) return raw.replace(/^\[=*\[\n?/, '').replace(/\]=*\]$/, '');
  return raw.slice(1, -1).replace(/\\(\d{1,3}|.|\n)/g, (_, c: string) => {
    if (/^\d/.test(c)) return String.fromCharCode(Number(c));
    return ({ n: '\n', t: '\t', r: '\r', '\\': '\\' } as Record<string, string>)[c] ?? c;
  });
}
