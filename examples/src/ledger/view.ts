/**
 * What the user sees while a demonstration runs: a live picture on a terminal, plain lines elsewhere.
 *
 * Guarantees: the picture is redrawn ten times a second in place, is never larger than the terminal, and the cursor is
 * back however the process ends, unless it is killed. Plain lines: one a second, and one an event.
 */

/** What is shown. */
export interface Picture {
  /** In one line. */
  line(): string;
  /** In a screen; `time` is how long it has been shown, in seconds. */
  lines(time: string): readonly string[];
}

export interface View {
  /** Shows a picture from now on. */
  show(picture: Picture): void;
  /** An event, in words. */
  say(text: string): void;
  /** Stops showing; what is on the screen stays there. */
  end(): void;
}

export function createView(output: NodeJS.WriteStream, plain = false): View {
  return output.isTTY && !plain ? new LiveView(output) : new PlainView(output);
}

/** What both views keep: when it began, and what has happened. */
abstract class Chronicle implements View {
  protected readonly output: NodeJS.WriteStream;
  protected picture: Picture | undefined;
  #began = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(output: NodeJS.WriteStream) {
    this.output = output;
  }

  show(picture: Picture): void {
    this.picture = picture;
    this.#began = performance.now();
    this.#timer = setInterval(() => this.draw(picture), this.interval);
    this.draw(picture);
  }

  end(): void {
    clearInterval(this.#timer);
    this.picture = undefined;
  }

  abstract say(text: string): void;
  protected abstract readonly interval: number;
  protected abstract draw(picture: Picture): void;

  /** Seconds since it is shown, as text. */
  protected get time(): string {
    return this.picture ? ((performance.now() - this.#began) / 1000).toFixed(1).padStart(5) : '  0.0';
  }
}

class PlainView extends Chronicle {
  protected readonly interval = 1_000;

  say(text: string): void {
    this.output.write(`${this.time}s  ! ${text}\n`);
  }

  protected draw(picture: Picture): void {
    this.output.write(`${this.time}s    ${picture.line()}\n`);
  }
}

const EVENTS = 8;
const COLOURS = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;
export type Colour = keyof typeof COLOURS;

class LiveView extends Chronicle {
  protected readonly interval = 100;
  readonly #events: string[] = [];
  #height = 0;
  readonly #showCursor = (): void => void this.output.write('\x1b[?25h');

  override show(picture: Picture): void {
    this.output.write('\x1b[?25l');
    process.once('exit', this.#showCursor);
    super.show(picture);
  }

  say(text: string): void {
    const colour = /REFUSED/.test(text) ? 'green' : /ACCEPTED|TWICE/.test(text) ? 'red' : undefined;
    this.#events.push(`  ${this.time}s  ${colour ? paint(colour, text) : text}`);
    if (this.#events.length > EVENTS) this.#events.shift();
  }

  override end(): void {
    if (this.picture === undefined) return;
    this.draw(this.picture);
    super.end();
    process.off('exit', this.#showCursor);
    this.#showCursor();
  }

  protected draw(picture: Picture): void {
    const { columns = 80, rows = 24 } = this.output;
    const lines = [...picture.lines(this.time), ...this.#events].slice(0, rows - 1);
    const up = this.#height > 0 ? `\x1b[${this.#height}A\r` : '';
    this.#height = lines.length;
    this.output.write(`${up}${lines.map((line) => `${clip(line, columns)}\x1b[K\n`).join('')}\x1b[J`);
  }
}

export function paint(colour: Colour, text: string): string {
  return process.env['NO_COLOR'] ? text : `\x1b[${COLOURS[colour]}m${text}\x1b[0m`;
}

/** Cuts a line to `columns` characters that can be seen. */
function clip(line: string, columns: number): string {
  let left = columns;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are what is looked for
  const parts = line.split(/(\x1b\[\d+m)/).map((part, index) => {
    if (index % 2 === 1) return part;
    const kept = part.slice(0, left);
    left -= kept.length;
    return kept;
  });
  return parts.join('');
}
