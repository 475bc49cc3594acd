/**
 * What the generators of clients need to know of the server's operations, read from its OpenAPI document.
 *
 * Guarantees: an operation or a schema that a generator could not express throws, and names it, so that no client
 * silently lacks something that the server does.
 */

/**
 * @typedef {Record<string, any>} Schema As in JSON Schema 2020-12.
 * @typedef {{ name: string, schema: Schema, required: boolean, description: string }} Field
 * @typedef {{ id: string, system: string, name: string, method: string, path: string, summary: string,
 *   description: string, params: Field[], query: Field[], body: Schema | undefined,
 *   answer: Schema | undefined, streams: boolean, takesLease: boolean }} Operation
 * @typedef {{ operations: Operation[], schemas: Record<string, Schema> }} Model
 */

/** The header for the handle of what a caller has. */
const LEASE = 'Holdfast-Lease';

/**
 * The operations below /v1/, in the order of the table, and the schemas that have names.
 *
 * @param {Record<string, any>} document
 * @returns {Model}
 */
export function modelOf({ paths, components }) {
  const operations = Object.entries(paths)
    .filter(([path]) => path.startsWith('/v1/'))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) =>
        operationOf(path, method.toUpperCase(), operation),
      ),
    )
    // What leads a browser elsewhere is for browsers.
    .filter(({ redirects }) => !redirects)
    .sort((one, other) => (one.id < other.id ? -1 : 1));
  return { operations, schemas: components.schemas };
}

function operationOf(path, method, { operationId: id, summary, description = '', ...rest }) {
  const { parameters, requestBody, responses } = rest;
  const [system, name] = id.split('.');
  const fields = (place) =>
    parameters
      .filter((parameter) => parameter.in === place)
      .map(({ name: field, schema, required, description: words = '' }) => {
        return { name: field, schema, required, description: words };
      });
  return {
    ...{ id, system, name, method, path, summary, description },
    ...{ params: fields('path'), query: fields('query') },
    takesLease: fields('header').some((field) => field.name === LEASE),
    body: requestBody?.content['application/json'].schema,
    redirects: '302' in responses,
    ...answerOf(responses),
  };
}

/** Of several answers with different bodies it is any of them. */
function answerOf(responses) {
  const contents = Object.entries(responses)
    .filter(([status]) => status.startsWith('2'))
    .map(([, { content = {} }]) => content);
  const streams = contents.some((content) => 'text/event-stream' in content);
  const schemas = contents.map((content) => content['application/json']?.schema).filter(Boolean);
  const distinct = [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
  return { streams, answer: distinct.length > 1 ? { anyOf: distinct } : distinct[0] };
}

/** The operations by their systems, in order. */
export const bySystem = ({ operations }) =>
  Object.entries(Object.groupBy?.(operations, ({ system }) => system) ?? group(operations));

function group(operations) {
  const groups = {};
  for (const operation of operations) {
    groups[operation.system] ??= [];
    groups[operation.system].push(operation);
  }
  return groups;
}

/** The name of a schema that is referred to; undefined for one that stands in its place. */
export const referred = (schema) => schema.$ref?.split('/').at(-1);

/** Every text, in words of one language: "addMany" is "add_many" or "AddMany". */
export const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
export const pascal = (name) =>
  name.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, letter) => letter.toUpperCase());

/** Words in lines of at most so many characters. */
export function wrapped(text, width) {
  const lines = [''];
  for (const word of text.replace(/\s+/g, ' ').trim().split(' ')) {
    const last = lines.at(-1);
    if (last !== '' && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}
