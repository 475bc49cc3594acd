/**
 * Events from elsewhere that start runs, or are messages to them.
 *
 * Guarantees: the starts of one `publish` leave together, as do its messages: one call of Redis for up to 64 of a partition.
 * A repeated event finds the run that it has started, and a repeated message is known by its id: so what published them may
 * do so again after any failure. Each `on` of an event gets it.
 */
import { callback, display, having, list, MisuseError, optional, readOptions, text } from '@holdfast/kernel';
import type { Workflow } from '../define.js';
import { encodeRecord } from '../journal/record.js';
import { encodeValue } from '../json.js';
import { requireCallName } from '../machine/arguments.js';
import { requireId, requireText, runName } from '../run-name.js';
import { check } from '../schema.js';
import type { Started, StartRequest, Store } from '../store/store.js';
import { tracedStart } from '../telemetry.js';
import { START, termsOf } from './start-options.js';

/** Something that has happened elsewhere. */
export interface PublishedEvent<Data = unknown> {
  /** What it is, such as "order.created". */
  readonly name: string;
  /** Names this event among all of its name: a repetition has the same. 1 to 256 bytes of UTF-8. */
  readonly id: string;
  readonly data: Data;
}

export interface OnOptions<Data, Input> {
  /** The id of the run; with `send`, that of the message. Default: the event's. */
  readonly id?: (data: Data, event: PublishedEvent<Data>) => string;
  /** The key of the run. With `send` it is the run's id too, and must be given: there is one run for a key. */
  readonly key?: (data: Data, event: PublishedEvent<Data>) => string;
  /** The input of a run that is started. Default: the event's data. */
  readonly input?: (data: Data, event: PublishedEvent<Data>) => Input;
  /** The name of a message: the run of the key is started if there is none, and is sent the event's data in any case. */
  readonly send?: string;
}

/** What became of events. */
export interface Published {
  /** Runs that were started. */
  readonly started: number;
  /** Starts that found a run. */
  readonly found: number;
  /** Messages that were sent. */
  readonly sent: number;
  /** Messages to runs that are over. */
  readonly late: number;
}

/** What it needs of its app. */
export interface PublishingHost {
  readonly randomId: () => string;
  readonly storeOf: (run: string) => Store;
  readonly start: (workflow: Workflow<Any, Any>, request: StartRequest) => Promise<Started>;
}

// biome-ignore lint/suspicious/noExplicitAny: rules of events and workflows of every kind.
type Any = any;
type Pick1 = (data: Any, event: PublishedEvent<Any>) => Any;

interface Rule extends OnOptions<Any, Any> {
  readonly workflow: Workflow<Any, Any>;
}

/** A start, and the message that follows it. */
interface Prepared {
  readonly workflow: Workflow<Any, Any>;
  readonly run: string;
  readonly header: string;
  readonly generation: string;
  readonly isKeyed: boolean;
  readonly message: string | undefined;
}

const ON = {
  id: optional(callback<Pick1>()),
  key: optional(callback<Pick1>()),
  input: optional(callback<Pick1>()),
  send: optional(text('the name of a message')),
};

const EVENTS = list<PublishedEvent>('a list of events');

export class Publishing {
  readonly #host: PublishingHost;
  readonly #rules = new Map<string, Rule[]>();

  constructor(host: PublishingHost) {
    this.#host = host;
  }

  /** Throws MisuseError. */
  on(event: string, workflow: Workflow<Any, Any>, options: OnOptions<Any, Any>): void {
    requireCallName('The name of an event', event);
    const rule = readOptions('on', options, ON);
    if (rule.send !== undefined && rule.key === undefined) {
      throw new MisuseError(
        'on takes a key where it takes send: it names the run to which the message goes.',
      );
    }
    const rules = this.#rules.get(event) ?? [];
    this.#rules.set(event, rules);
    rules.push({ ...(rule as OnOptions<Any, Any>), workflow });
  }

  async publish(events: readonly PublishedEvent[]): Promise<Published> {
    const given = EVENTS('The events', events);
    const prepared = await Promise.all(
      given.flatMap((event) => this.#rulesOf(event).map((rule) => this.#prepare(rule, event))),
    );
    const started = await Promise.all(
      prepared.map(({ workflow, run, header, generation, isKeyed }) => {
        const under = termsOf({ ...readOptions('publish', {}, START), key: isKeyed ? run : undefined });
        return this.#host.start(workflow, { run, generation, header, mailbox: '', under });
      }),
    );
    const told = await Promise.all(
      prepared.flatMap(({ run, message }, index) =>
        message === undefined ? [] : [this.#tell(run, started[index]?.generation ?? '', message)],
      ),
    );
    const found = started.filter(({ word }) => word === 'exists').length;
    const sent = told.filter((isTold) => isTold).length;
    return { started: started.length - found, found, sent, late: told.length - sent };
  }

  #rulesOf(event: PublishedEvent): readonly Rule[] {
    const { name, id } = having<PublishedEvent>()('An event', event);
    requireText(`The id of the event ${display(name)}`, id);
    const rules = this.#rules.get(name);
    if (rules !== undefined) return rules;
    throw new MisuseError(`Nothing is done with the event ${display(name)}; say what with workflows.on().`);
  }

  async #prepare({ workflow, send, ...rule }: Rule, event: PublishedEvent): Promise<Prepared> {
    const { data } = event;
    const of = `the event "${event.name}" ${display(event.id)}`;
    const id = requireText(`The id of ${of}`, rule.id?.(data, event) ?? event.id);
    const key = rule.key && requireText(`The key of ${of}`, rule.key(data, event));
    const input = await check(
      workflow.input,
      rule.input ? rule.input(data, event) : data,
      `the input of "${workflow.name}"`,
    );
    encodeValue(
      input,
      rule.input ? `The input of "${workflow.name}" that is made of ${of}` : `The data of ${of}`,
    );
    const runId = requireId('The id of a run', send === undefined ? id : key);
    const generation = this.#host.randomId();
    const run = runName({ workflow: workflow.name, id: runId, key });
    return {
      workflow,
      run,
      header: encodeRecord({
        ...{ kind: 'header', workflow: workflow.name, input, generation },
        ...tracedStart(run),
      }),
      generation,
      // A run that is its key's only one waits for no other.
      isKeyed: key !== undefined && send === undefined,
      message: send === undefined ? undefined : await messageOf(workflow, { id, name: send, payload: data }),
    };
  }

  /** False if the run is over. */
  async #tell(run: string, generation: string, message: string): Promise<boolean> {
    const store = this.#host.storeOf(run);
    const told = await store.tell({ run, generation }, message);
    if (told.word !== 'gen') return told.word === 'told';
    return (await store.tell({ run, generation: told.generation }, message)).word === 'told';
  }
}

async function messageOf(
  workflow: Workflow<Any, Any>,
  { id, name, payload }: { id: string; name: string; payload: unknown },
): Promise<string> {
  const value = await check(workflow.messages[name], payload, `the message "${name}"`);
  encodeValue(value, `The message "${name}" that is made of the event ${display(id)}`);
  return encodeRecord({ kind: 'message', id, name, payload: value });
}
