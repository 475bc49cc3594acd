/**
 * The operations of the server as Python: a class for each system, whose methods take what stands in the path by place,
 * and all else by name.
 */
import { bySystem, pascal, referred, snake, wrapped } from './model.mjs';

const NOTICE = 'Made by `npm run clients` from the operations of the server; changes belong there.';
/** The keywords of Python 3.10 and later. */
const RESERVED = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
);

/** The file of clients/python/holdfast, by its name. */
export function python(model) {
  const classes = bySystem(model).map(([system, operations]) => classOf(model, system, operations));
  const systems = bySystem(model).map(([system]) => `        self.${system} = ${pascal(system)}(call)`);
  const file = [
    '"""The operations of the server.',
    '',
    NOTICE,
    '"""',
    '',
    'from typing import Any',
    '',
    'from ._transport import ABSENT, Call',
    '',
    '',
    classes.join('\n\n\n'),
    '',
    '',
    'class Operations:',
    '    """All systems of the server."""',
    '',
    '    def __init__(self, call: Call) -> None:',
    ...systems,
    '',
  ];
  return { '_operations.py': file.join('\n') };
}

function classOf(model, system, operations) {
  const methods = operations.map((operation) => methodOf(model, operation));
  return [
    `class ${pascal(system)}:`,
    `    """The operations on ${system}."""`,
    '',
    '    def __init__(self, call: Call) -> None:',
    '        self._call = call',
    '',
    methods.join('\n\n'),
  ].join('\n');
}

function methodOf(model, operation) {
  const { name, method, path, summary, description, params, query, body, answer, streams, takesLease } =
    operation;
  const fields = fieldsOf(model, body);
  const taken = new Set([...params, ...query].map((field) => field.name));
  const isApart = fields?.every((field) => !taken.has(field.name)) ?? false;
  const named = [...(isApart ? fields : []), ...query];
  const args = [
    'self',
    ...(takesLease ? ['handle: str'] : []),
    ...params.map((param) => `${argument(param.name)}: str`),
  ];
  if (body && !isApart) args.push('body: Any');
  args.push('*');
  for (const field of [...named].sort((one, other) => Number(other.required) - Number(one.required)))
    args.push(`${argument(field.name)}: ${typeOf(model, field.schema)}${field.required ? '' : ' = ABSENT'}`);
  args.push('idempotency_key: str | None = None', 'http_timeout: float | None = None');
  const dict = (list) => {
    const pairs = list.map((field) => `"${field.name}": ${argument(field.name)}`);
    const line = `{${pairs.join(', ')}}`;
    return line.length <= 70
      ? line
      : `{\n${pairs.map((pair) => `                ${pair},\n`).join('')}            }`;
  };
  const bodyOf = body ? (isApart ? dict(fields) : 'body') : 'None';
  const result = streams ? 'Any' : answer === undefined ? 'None' : typeOf(model, answer);
  const words = named.filter((field) => field.description);
  const text = [summary, description].filter(Boolean).join(' ');
  return [
    `    def ${argument(name)}(`,
    ...args.map((arg) => `        ${arg},`),
    `    ) -> ${result}:`,
    ...docOf(text, words),
    '        return self._call(',
    `            "${method}",`,
    `            "${path}",`,
    `            params=${dict(params)},`,
    `            query=${dict(query)},`,
    `            body=${bodyOf},`,
    ...(streams ? ['            stream=True,'] : []),
    ...(takesLease ? ['            handle=handle,'] : []),
    '            idempotency_key=idempotency_key,',
    '            http_timeout=http_timeout,',
    '        )',
  ].join('\n');
}

const argument = (name) => (RESERVED.has(name) ? `${snake(name)}_` : snake(name));

/** The fields of a body that is an object of its own; undefined for any other. */
function fieldsOf({ schemas }, body) {
  const name = body && referred(body);
  const { type, properties, required = [] } = (name === undefined ? body : schemas[name]) ?? {};
  if (type !== 'object' || properties === undefined) return undefined;
  return Object.entries(properties).map(([field, schema]) => ({
    ...{ name: field, schema, description: schema.description ?? '' },
    required: required.includes(field) && schema.default === undefined,
  }));
}

/** The type of a value, as far as it has one word. */
function typeOf(model, schema) {
  const name = referred(schema);
  if (name !== undefined) return typeOf(model, model.schemas[name]);
  const plain = {
    string: 'str',
    integer: 'int',
    number: 'float',
    boolean: 'bool',
    array: 'list',
    object: 'dict',
  };
  return plain[schema.type] ?? 'Any';
}

function docOf(text, fields) {
  const lines = wrapped(text.replaceAll('\\', '\\\\'), 92);
  if (lines.length === 1 && fields.length === 0) return [`        """${lines[0]}"""`];
  const words = fields.flatMap(({ name, description }) =>
    wrapped(`${argument(name)}: ${description.replaceAll('\\', '\\\\')}`, 88).map((line, index) =>
      index === 0 ? line : `    ${line}`,
    ),
  );
  const all = [...lines, ...(words.length > 0 ? ['', ...words] : [])];
  return [
    `        """${all[0]}`,
    ...all.slice(1).map((line) => (line === '' ? '' : `        ${line}`)),
    '        """',
  ];
}
