/**
 * Webhooks in Redis: what each follows, and how far it has come.
 *
 * Guarantees: a cursor is kept only by the replica that follows the events, and only for the definition that it was read for. All
 * calls reject with UnavailableError where Redis does not answer.
 */
import { OwnScripts, type Place } from '../own-scripts.js';

const SCRIPTS = [
  ...(['webhook-put', 'webhook-list', 'webhook-find', 'webhook-delete'] as const),
  ...(['webhook-lead', 'webhook-advance'] as const),
] as const;

const MOST = 1_000;

/** What is told, and to whom. */
export interface Definition {
  readonly url: string;
  /** The name of a queue, or of a workflow. */
  readonly queue?: string | undefined;
  readonly workflow?: string | undefined;
  /** Of which events; undefined for all. */
  readonly kinds?: readonly string[] | undefined;
  /** Whether results and reasons are told, too. */
  readonly data: boolean;
}

export interface Webhook extends Definition {
  readonly name: string;
  /** From when on it follows that, in ms since the epoch, by the clock of Redis. */
  readonly since: number;
  /** Behind which event it goes on; undefined if there was none. */
  readonly cursor: string | undefined;
}

export class Registry {
  readonly #definitions: string;
  readonly #cursors: string;
  readonly #leader: string;
  readonly #scripts: OwnScripts<(typeof SCRIPTS)[number]>;

  constructor(place: Place) {
    const root = `${place.prefix}{holdfast:server}:webhooks`;
    this.#definitions = root;
    this.#cursors = `${root}:cursors`;
    this.#leader = `${root}:leader`;
    this.#scripts = new OwnScripts(place, SCRIPTS, {
      key: root,
      words: {
        subject: 'The list of webhooks',
        unknown: 'Repeat the call',
        closed: 'create another server',
      },
    });
  }

  /** Keeps a definition. Resolves to false if there are too many. */
  async put(name: string, definition: Definition): Promise<boolean> {
    const keys = [this.#definitions, this.#cursors];
    const args = [name, JSON.stringify(followedBy(definition)), JSON.stringify(definition), String(MOST)];
    const [outcome] = (await this.#scripts.run('webhook-put', keys, args)) as [string];
    return outcome === 'kept';
  }

  /** In the order of their names. */
  async list(): Promise<readonly Webhook[]> {
    const keys = [this.#definitions, this.#cursors];
    const [, definitions, cursors] = (await this.#scripts.run('webhook-list', keys, [])) as [
      string,
      string[],
      string[],
    ];
    const places = pairsOf(cursors);
    return [...pairsOf(definitions)]
      .map(([name, text]): Webhook => {
        const { since, definition } = read(text);
        return { name, ...definition, since, cursor: places.get(`${name}\n${since}`) };
      })
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** As it is now; undefined if there is none. Each message asks for one, so it costs the same however many there are. */
  async find(name: string): Promise<Omit<Webhook, 'cursor'> | undefined> {
    const reply = await this.#scripts.run('webhook-find', [this.#definitions], [name]);
    const [, text] = reply as [string, string?];
    if (text === undefined) return undefined;
    const { since, definition } = read(text);
    return { name, ...definition, since };
  }

  /** Resolves to whether there was one. */
  async delete(name: string): Promise<boolean> {
    return (
      (await this.#scripts.run('webhook-delete', [this.#definitions, this.#cursors], [name])) === 'deleted'
    );
  }

  /** Whether this replica follows the events for so many ms. */
  async lead(replica: string, lease: number): Promise<boolean> {
    return (await this.#scripts.run('webhook-lead', [this.#leader], [replica, String(lease)])) === 'leads';
  }

  async advance(replica: string, { name, since }: Webhook, cursor: string): Promise<void> {
    const keys = [this.#leader, this.#definitions, this.#cursors];
    await this.#scripts.run('webhook-advance', keys, [replica, name, String(since), cursor]);
  }

  /** Ends its connection. */
  close(): void {
    this.#scripts.close();
  }
}

/** A definition as it is kept. */
function read(text: string): { readonly since: number; readonly definition: Definition } {
  const [since = '', , json = ''] = text.split('\n');
  return { since: Number(since), definition: JSON.parse(json) as Definition };
}

const followedBy = ({ queue, workflow }: Definition): readonly string[] =>
  queue === undefined ? ['workflow', workflow ?? ''] : ['queue', queue];

function pairsOf(list: readonly string[]): Map<string, string> {
  const pairs = new Map<string, string>();
  for (let at = 0; at < list.length; at += 2) pairs.set(list[at] ?? '', list[at + 1] ?? '');
  return pairs;
}
