/**
 * What the user sees while the demonstration runs: a live picture on a terminal, plain lines elsewhere.
 *
 * Guarantees: the picture is redrawn ten times a second in place, is never larger than the terminal, and the cursor is
 * back however the process ends, unless it is killed. Plain lines: one a second, and one an event.
 */
import type { Scene, Tally } from './faults.js';

export interface View {
  /** Shows `scene` from now on. */
  show(scene: Scene, duration: number): void;
  /** An event, in words. */
  say(text: string): void;
  /** Stops showing; what is on the screen stays there. */
  end(): void;
}

export function createView(output: NodeJS.WriteStream): View {
  return output.isTTY ? new LiveView(output) : new PlainView(output);
}

/** What both views keep: when it began, and what has happened. */
abstract class Chronicle implements View {
  protected readonly output: NodeJS.WriteStream;
  protected scene: Scene | undefined;
  protected duration = 0;
  #began = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(output: NodeJS.WriteStream) {
    this.output = output;
  }

  show(scene: Scene, duration: number): void {
    this.scene = scene;
    this.duration = duration;
    this.#began = performance.now();
    this.#timer = setInterval(() => this.draw(scene), this.interval);
    this.draw(scene);
  }

  end(): void {
    clearInterval(this.#timer);
    this.scene = undefined;
  }

  abstract say(text: string): void;
  protected abstract readonly interval: number;
  protected abstract draw(scene: Scene): void;

  /** Seconds since the faults began, as text. */
  protected get time(): string {
    return this.scene ? ((performance.now() - this.#began) / 1000).toFixed(1).padStart(5) : '  0.0';
  }
}

class PlainView extends Chronicle {
  protected readonly interval = 1_000;

  say(text: string): void {
    this.output.write(`${this.time}s  ! ${text}\n`);
  }

  protected draw({ crew, health }: Scene): void {
    const { granted, acknowledged, refused } = crew;
    const counts = `granted ${granted.length}  acknowledged ${acknowledged.length}  refused ${refused.length}`;
    this.output.write(`${this.time}s    ${counts}  nodes: ${health.summary()}\n`);
  }
}

const EVENTS = 8;
const COLOURS = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;

class LiveView extends Chronicle {
  protected readonly interval = 100;
  readonly #events: string[] = [];
  #height = 0;
  readonly #showCursor = (): void => void this.output.write('\x1b[?25h');

  override show(scene: Scene, duration: number): void {
    this.output.write('\x1b[?25l');
    process.once('exit', this.#showCursor);
    super.show(scene, duration);
  }

  say(text: string): void {
    const colour = /REFUSED/.test(text) ? 'green' : /ACCEPTED/.test(text) ? 'red' : undefined;
    this.#events.push(`  ${this.time}s  ${colour ? paint(colour, text) : text}`);
    if (this.#events.length > EVENTS) this.#events.shift();
  }

  override end(): void {
    if (this.scene === undefined) return;
    this.draw(this.scene);
    super.end();
    process.off('exit', this.#showCursor);
    this.#showCursor();
  }

  protected draw(scene: Scene): void {
    const { columns = 80, rows = 24 } = this.output;
    const lines = this.#lines(scene).slice(0, rows - 1);
    const up = this.#height > 0 ? `\x1b[${this.#height}A\r` : '';
    this.#height = lines.length;
    this.output.write(`${up}${lines.map((line) => `${clip(line, columns)}\x1b[K\n`).join('')}\x1b[J`);
  }

  #lines({ crew, health, tally }: Scene): string[] {
    const { granted, acknowledged, refused } = crew;
    return [
      `${paint('bold', 'Holdfast')}  ${this.time}s of ${this.duration / 1000}s`,
      '',
      paint('dim', '  worker   state       last token         acknowledged   refused'),
      ...crew.seats.map((worker) => {
        const state = paint(colourOf(worker.state), worker.state.padEnd(10));
        const counts = `${String(worker.acknowledged).padStart(12)}   ${String(worker.refused).padStart(7)}`;
        return `  ${worker.name.padEnd(6)}   ${state}  ${String(worker.token || '').padEnd(16)}   ${counts}`;
      }),
      '',
      `  nodes  ${health.nodes.map(({ port }) => String(port).padEnd(13)).join('')}`,
      `         ${health.nodes.map((node) => paint(colourOf(health.of(node)), health.of(node).padEnd(13))).join('')}`,
      `  granted ${granted.length}   acknowledged ${acknowledged.length}   ${paint('bold', `stale writes refused ${refused.length}`)}`,
      `  ${describe(tally)}`,
      '',
      ...this.#events,
    ];
  }
}

/** The faults that have struck, in words. */
export function describe(tally: Tally): string {
  const { workersStopped, workersKilled, nodesKilled, nodesFrozen } = tally;
  return `faults: workers stopped ${workersStopped}, killed ${workersKilled}; nodes killed ${nodesKilled}, frozen ${nodesFrozen}`;
}

function colourOf(state: string): keyof typeof COLOURS {
  if (state === 'voting' || state === 'holding') return 'green';
  if (state === 'stopped' || state === 'killed' || state === 'frozen' || state === 'down') return 'red';
  return state === 'waiting' || state === 'starting' || state === 'finished' ? 'dim' : 'yellow';
}

function paint(colour: keyof typeof COLOURS, text: string): string {
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
