/**
 * The operations of the server as TypeScript: a class for each system, and an interface for each schema with a name.
 */
import { bySystem, pascal, referred, wrapped } from './model.mjs';

const NOTICE = 'Made by `npm run clients` from the operations of the server; changes belong there.';

/** The files of packages/client/src/operations, by their names. */
export function typescript(model) {
  const files = { 'schemas.ts': schemasFile(model) };
  for (const [system, operations] of bySystem(model)) files[`${system}.ts`] = systemFile(system, operations);
  return { ...files, 'systems.ts': systemsFile(bySystem(model).map(([system]) => system)) };
}

function systemsFile(systems) {
  return [
    `/** All systems of the server. ${NOTICE} */`,
    "import type { Transport } from '../transport.js';",
    ...systems.map((system) => `import { ${pascal(system)} } from './${system}.js';`),
    '',
    'export class Systems {',
    ...systems.map((system) => `  readonly ${system}: ${pascal(system)};`),
    '',
    '  constructor(transport: Transport) {',
    ...systems.map((system) => `    this.${system} = new ${pascal(system)}(transport);`),
    '  }',
    '}',
    '',
  ].join('\n');
}

function schemasFile({ schemas }) {
  const parts = Object.entries(schemas)
    .filter(([name]) => name !== 'Problem')
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, schema]) => {
      const type = typeOf(schema);
      return type.startsWith('{') ? `export interface ${name} ${type}` : `export type ${name} = ${type};`;
    });
  return `/** The values that operations take and answer. ${NOTICE} */\n\n${parts.join('\n\n')}\n`;
}

function systemFile(system, operations) {
  const used = new Set(JSON.stringify(operations).match(/(?<=#\/components\/schemas\/)\w+/g));
  used.delete('Problem');
  const methods = operations.map(methodOf).join('\n\n');
  const kinds = [
    'CallOptions',
    ...(operations.some(({ streams }) => streams) ? ['ServerEvent'] : []),
    'Transport',
  ];
  return [
    `/** The operations on ${system}. ${NOTICE} */`,
    `import type { ${kinds.join(', ')} } from '../transport.js';`,
    ...(used.size > 0 ? [`import type { ${[...used].sort().join(', ')} } from './schemas.js';`] : []),
    '',
    `export class ${pascal(system)} {`,
    '  readonly #transport: Transport;',
    '',
    `  /** Use createClient(). */`,
    '  constructor(transport: Transport) {',
    '    this.#transport = transport;',
    '  }',
    '',
    methods,
    '}',
    '',
  ].join('\n');
}

function methodOf({ name, method, path, summary, description, params, query, body, answer, ...rest }) {
  const { streams, takesLease } = rest;
  const args = [
    ...(takesLease ? ['handle: string'] : []),
    ...params.map(({ name: param }) => `${param}: string`),
  ];
  const required = query.some((field) => field.required);
  if (body) args.push(`body: ${typeOf(body)}`);
  if (query.length > 0) args.push(`query${required ? '' : '?'}: ${objectOf(query)}`);
  args.push('options?: CallOptions');
  const result = streams
    ? `AsyncIterable<ServerEvent>`
    : `Promise<${answer === undefined ? 'void' : typeOf(answer)}>`;
  const request = [
    `method: '${method}'`,
    `path: '${path}'`,
    ...(params.length > 0 ? [`params: { ${params.map((param) => param.name).join(', ')} }`] : []),
    ...(query.length > 0 ? ['query'] : []),
    ...(takesLease ? ['handle'] : []),
    ...(body ? ['body'] : []),
    'options',
  ].join(', ');
  return [
    docOf([summary, description].filter(Boolean).join(' '), '  '),
    `  ${name}(${args.join(', ')}): ${result} {`,
    `    return this.#transport.${streams ? 'stream' : 'call'}({ ${request} });`,
    '  }',
  ].join('\n');
}

const objectOf = (fields) =>
  `{ ${fields.map(({ name, schema, required }) => `readonly ${name}${required ? '' : '?'}: ${typeOf(schema)}`).join('; ')} }`;

/** A schema as a type. Throws for one that has none here. */
function typeOf(schema) {
  const name = referred(schema);
  if (name !== undefined) return name;
  const { type, enum: values, const: value, anyOf, oneOf, allOf, items } = schema;
  if (values) return values.map((each) => JSON.stringify(each)).join(' | ');
  if (value !== undefined) return JSON.stringify(value);
  if (anyOf ?? oneOf) return [...new Set((anyOf ?? oneOf).map(typeOf))].join(' | ');
  if (allOf) return allOf.map(typeOf).join(' & ');
  if (Array.isArray(type)) return type.map((each) => typeOf({ ...schema, type: each })).join(' | ');
  if (type === undefined) return 'unknown';
  if (type === 'array')
    return `readonly ${/[ |&{]/.test(typeOf(items ?? {})) ? `(${typeOf(items)})` : typeOf(items ?? {})}[]`;
  if (type === 'object') return objectTypeOf(schema);
  const plain = { string: 'string', integer: 'number', number: 'number', boolean: 'boolean', null: 'null' }[
    type
  ];
  if (plain === undefined) throw new Error(`there is no type for ${JSON.stringify(schema)}`);
  return plain;
}

function objectTypeOf({ properties = {}, required = [], additionalProperties }) {
  const fields = Object.entries(properties).map(([name, schema]) => {
    const doc = schema.description ? `${docOf(schema.description, '  ')}\n` : '';
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
    const isGiven = required.includes(name) && schema.default === undefined;
    return `${doc}  readonly ${key}${isGiven ? '' : '?'}: ${typeOf(schema)};`;
  });
  if (fields.length === 0) {
    const rest = typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown';
    return `Readonly<Record<string, ${rest}>>`;
  }
  if (additionalProperties && fields.length > 0) fields.push('  readonly [more: string]: unknown;');
  return `{\n${fields.join('\n')}\n}`;
}

function docOf(text, indent) {
  const lines = wrapped(text, 110);
  if (lines.length === 1) return `${indent}/** ${lines[0]} */`;
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`].join('\n');
}
