/**
 * Server-sent events, as they come.
 *
 * Guarantees: lines of any ending, in pieces of any size; data is JSON where it can be read as such.
 */

export interface ServerEvent {
  /** What a stream goes on after. */
  readonly id?: string;
  /** Default: "message". */
  readonly event?: string;
  readonly data: unknown;
}

/** What stands in a stream: a comment, or a time to wait before a new connection, has no data. */
interface Part extends Partial<ServerEvent> {
  /** In ms. */
  readonly retry?: number;
}

/** The parts of a stream of bytes, which is given up when the loop over them is left. */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<Part, void> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split(/\r\n\r\n|\n\n|\r\r/);
      rest = blocks.pop() ?? '';
      for (const block of blocks) yield partOf(block);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function partOf(block: string): Part {
  const part: { id?: string; event?: string; data?: unknown; retry?: number } = {};
  const data: string[] = [];
  for (const line of block.split(/\r\n|\n|\r/)) {
    const [, name, value = ''] = /^([a-z]+)(?:: ?(.*))?$/.exec(line) ?? [];
    if (name === 'data') data.push(value);
    else if (name === 'id') part.id = value;
    else if (name === 'event') part.event = value;
    else if (name === 'retry') part.retry = Number(value);
  }
  if (data.length > 0) part.data = dataOf(data.join('\n'));
  return part;
}

function dataOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
