/**
 * Compiles the Lua 5.1 of the shipped scripts to JavaScript.
 *
 * Guarantees: what is not supported throws a LuaError that names it, when the script is compiled or when it gets there;
 * nothing is silently done otherwise than in Lua. A text is compiled once.
 */
import { type Expression, type FunctionDeclaration, parse, type Statement } from 'luaparse';
import { Counting } from './coverage.js';
import { Expressions } from './expressions.js';
import { library } from './library.js';
import { operators } from './operators.js';
import { Scope } from './scope.js';
import { first, LuaError, type LuaFunction, Multi, type Returned, spread, type Value } from './values.js';

/** What a script sees of its server. */
export interface RedisFunctions {
  readonly call: LuaFunction;
  readonly pcall: LuaFunction;
  readonly register_function: LuaFunction;
  readonly error_reply: LuaFunction;
  readonly status_reply: LuaFunction;
}

export type Chunk = (redis: RedisFunctions, keys: Value, args: Value) => Returned;

const known = new Map<string, Chunk>();

export function compile(text: string): Chunk {
  const before = known.get(text);
  if (before) return before;
  const counting = Counting.begin(text);
  const source = text.replace(/^#![^\n]*/, '');
  const { body } = parse(source, {
    luaVersion: '5.1',
    comments: false,
    locations: true,
    ranges: true,
    encodingMode: 'pseudo-latin1',
  });
  const code = new Statements(source, counting).chunk(body);
  const names = ['O', 'F', 'one', 'all', 'Multi', 'C', 'R', 'KEYS', 'ARGV'];
  const made = new Function(...names, code) as (...values: unknown[]) => Returned;
  const functions = Object.fromEntries(library);
  const hits = counting?.hits ?? [];
  const chunk: Chunk = (redis, keys, args) =>
    made(operators, functions, first, spread, Multi, hits, redis, keys, args);
  known.set(text, chunk);
  return chunk;
}

class Statements {
  readonly #scope = new Scope();
  readonly #counting: Counting | undefined;
  readonly #expressions: Expressions;

  constructor(source: string, counting: Counting | undefined) {
    this.#counting = counting;
    this.#expressions = new Expressions({
      source,
      scope: this.#scope,
      counting,
      onFunction: (declaration) => this.#function(declaration),
    });
  }

  chunk(body: readonly Statement[]): string {
    const code = this.#scope.functionBody(() => this.#block(body));
    return `"use strict";\n${code}`;
  }

  #block(body: readonly Statement[]): string {
    return this.#scope.within(() => body.map((node) => this.#counted(node)).join('\n'));
  }

  #counted(node: Statement): string {
    const code = this.#statement(node);
    return this.#counting && node.type !== 'FunctionDeclaration'
      ? `${this.#counting.point(node.loc?.start.line ?? 0, 'line')};${code}`
      : code;
  }

  #statement(node: Statement): string {
    const { value, call, returned } = bind(this.#expressions);
    switch (node.type) {
      case 'LocalStatement':
        return this.#assign(node.init, node.variables.length, (place, code) => {
          const variable = node.variables[place];
          return variable ? `let ${this.#scope.declare(variable.name)} = ${code};` : '';
        });
      case 'AssignmentStatement':
        return this.#assignAll(node.variables, node.init);
      case 'CallStatement':
        return `${node.expression.type === 'CallExpression' ? call(node.expression) : value(node.expression)};`;
      case 'FunctionDeclaration':
        return this.#namedFunction(node);
      case 'ReturnStatement':
        return `return ${returned(node.arguments)};`;
      case 'IfStatement':
        return this.#if(node);
      case 'WhileStatement':
        return `while (${this.#expressions.condition(node.condition)}) {${this.#body(node.body, 'loop')}}`;
      case 'RepeatStatement':
        return this.#repeat(node);
      case 'DoStatement':
        return `{${this.#block(node.body)}}`;
      case 'BreakStatement':
        return 'break;';
      case 'ForNumericStatement':
        return this.#forNumeric(node);
      case 'ForGenericStatement':
        return this.#forGeneric(node);
      default:
        throw new LuaError(`${node.type} is not supported here`);
    }
  }

  /** Evaluates all values before any is assigned. */
  #assign(
    init: readonly Expression[],
    count: number,
    store: (place: number, code: string) => string,
  ): string {
    const values = this.#expressions.values(init, Math.max(count, init.length));
    if (values.length === 1) return store(0, values[0] as string);
    const temporaries = values.map((code) => {
      const name = this.#scope.temporary();
      return { name, code: `${name} = ${code};` };
    });
    const stored = temporaries.slice(0, count).map(({ name }, place) => store(place, name));
    return [...temporaries.map(({ code }) => code), ...stored].join(' ');
  }

  /** Where several values go is evaluated before any is assigned, as in "list[#list + 1], list[#list + 2] = one, two". */
  #assignAll(targets: readonly Expression[], init: readonly Expression[]): string {
    const { value } = bind(this.#expressions);
    const setters = targets.map((target) => {
      if (targets.length === 1 || target.type !== 'IndexExpression')
        return { before: '', store: (code: string) => this.#set(target, code) };
      const [base, index] = [this.#scope.temporary(), this.#scope.temporary()];
      const before = `${base} = ${value(target.base)}; ${index} = ${value(target.index)};`;
      return { before, store: (code: string) => `O.set(${base}, ${index}, ${code});` };
    });
    const stored = this.#assign(init, targets.length, (place, code) => setters[place]?.store(code) ?? '');
    return [...setters.map(({ before }) => before), stored].join(' ');
  }

  #set(target: Expression, code: string): string {
    const { value } = bind(this.#expressions);
    if (target.type === 'IndexExpression')
      return `O.set(${value(target.base)}, ${value(target.index)}, ${code});`;
    if (target.type === 'MemberExpression') {
      return `O.set(${value(target.base)}, ${JSON.stringify(target.identifier.name)}, ${code});`;
    }
    const local = target.type === 'Identifier' ? this.#scope.find(target.name) : undefined;
    if (local === undefined) throw new LuaError('an assignment to a global is not supported here');
    return `${local} = ${code};`;
  }

  #namedFunction(node: FunctionDeclaration): string {
    const target = node.identifier;
    if (target?.type === 'MemberExpression' && target.indexer === '.')
      return this.#set(target, this.#function(node));
    if (!node.isLocal || node.identifier?.type !== 'Identifier') {
      throw new LuaError('a function that is not local is not supported here');
    }
    const name = this.#scope.declare(node.identifier.name);
    return `let ${name}; ${name} = ${this.#function(node)};`;
  }

  #function({ parameters, body }: FunctionDeclaration): string {
    let names: string[] = [];
    const code = this.#scope.functionBody(() => {
      names = parameters.map((parameter) =>
        parameter.type === 'Identifier'
          ? this.#scope.declare(parameter.name)
          : `...${this.#scope.declare('...')}`,
      );
      return this.#block(body);
    });
    return `function (${names.join(', ')}) {${code}\nreturn new Multi([]);}`;
  }

  #if({ clauses }: Extract<Statement, { type: 'IfStatement' }>): string {
    const parts = clauses.map((clause, index) => {
      const body = `{${this.#body(clause.body, clause.type === 'ElseClause' ? 'else' : 'then')}}`;
      if (clause.type === 'ElseClause') return `else ${body}`;
      return `${index > 0 ? 'else ' : ''}if (${this.#expressions.condition(clause.condition)}) ${body}`;
    });
    const hasElse = clauses.at(-1)?.type === 'ElseClause';
    const line = clauses.at(-1)?.loc?.start.line ?? 0;
    if (this.#counting && !hasElse) parts.push(`else {${this.#counting.point(line, 'no else')};}`);
    return parts.join(' ');
  }

  /** Its condition sees the locals of its body. */
  #repeat({ body, condition }: Extract<Statement, { type: 'RepeatStatement' }>): string {
    return this.#scope.within(() => {
      const code = body.map((node) => this.#counted(node)).join('\n');
      return `for (;;) {${code}\nif (${this.#expressions.condition(condition)}) break;}`;
    });
  }

  #body(body: readonly Statement[], what: string): string {
    const line = body[0]?.loc?.start.line ?? 0;
    const count = this.#counting && body.length > 0 ? `${this.#counting.point(line, what)};` : '';
    return `${count}${this.#block(body)}`;
  }

  #forNumeric(node: Extract<Statement, { type: 'ForNumericStatement' }>): string {
    const [begin, end] = [this.#expressions.value(node.start), this.#expressions.value(node.end)];
    const step = node.step ? this.#expressions.value(node.step) : '1';
    return this.#scope.within(() => {
      const [i, last, by] = ['i', 'last', 'by'].map((name) => this.#scope.own(name));
      const variable = this.#scope.declare(node.variable.name);
      const head = `let ${i} = O.toNumber(${begin}), ${last} = O.toNumber(${end}), ${by} = O.toNumber(${step})`;
      const test = `${by} > 0 ? ${i} <= ${last} : ${i} >= ${last}`;
      return `for (${head}; ${test}; ${i} += ${by}) { let ${variable} = ${i}; ${this.#body(node.body, 'loop')} }`;
    });
  }

  #forGeneric(node: Extract<Statement, { type: 'ForGenericStatement' }>): string {
    const iterators = this.#expressions.list(node.iterators);
    return this.#scope.within(() => {
      const [generator, control, found] = ['generator', 'control', 'found'].map((name) =>
        this.#scope.own(name),
      );
      const names = node.variables.map(({ name }) => this.#scope.declare(name));
      const locals = names.map((name, place) => `let ${name} = ${found}[${place}];`).join(' ');
      return `{ const ${generator} = ${iterators}; let ${control} = ${generator}[2]; for (;;) {
        const ${found} = all(O.callable(${generator}[0])(${generator}[1], ${control}));
        if (${found}[0] === undefined) break;
        ${control} = ${found}[0]; ${locals} ${this.#body(node.body, 'loop')} } }`;
    });
  }
}

function bind(expressions: Expressions): Pick<Expressions, 'value' | 'call' | 'returned'> {
  return {
    value: (node) => expressions.value(node),
    call: (node) => expressions.call(node),
    returned: (nodes) => expressions.returned(nodes),
  };
}
