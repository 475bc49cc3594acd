/**
 * What the page shows, live: one stream of server-sent events for all that is on it.
 *
 * Guarantees: a value that was shown stays until the next one comes. While the stream is broken, `brokenSince` says since
 * when; the browser connects again by itself.
 */
import { type Signal, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { Problem } from './api.js';
import { readSession } from './session.js';

export interface Live<Value> {
  readonly value?: Value;
  /** Why there is no value, or no newer one. */
  readonly problem?: Problem;
  /** The value is one of before; a newer one has not come yet. */
  readonly stale: boolean;
}

interface Topic {
  readonly shown: Signal<Live<unknown>>;
  users: number;
}

/** When the stream broke; undefined while it is live. */
export const brokenSince = signal<number | undefined>(undefined);

const MOST_KEPT = 200;
const topics = new Map<string, Topic>();
let source: EventSource | undefined;
let asked = '';
let isPlanned = false;

function topicOf(path: string): Topic {
  const topic = topics.get(path) ?? { shown: signal<Live<unknown>>({ stale: true }), users: 0 };
  topics.delete(path);
  topics.set(path, topic);
  for (const [oldest, { users }] of topics) {
    if (topics.size <= MOST_KEPT) break;
    if (users === 0 && oldest !== path) topics.delete(oldest);
  }
  return topic;
}

/** The answer of an operation that only reads, kept up to date while the component is on the page. */
export function useLive<Value>(path: string): Live<Value> {
  const topic = useMemo(() => topicOf(path), [path]);
  useEffect(() => {
    topic.users += 1;
    plan();
    return () => {
      topic.users -= 1;
      topic.shown.value = { ...topic.shown.peek(), stale: true };
      plan();
    };
  }, [topic]);
  return topic.shown.value as Live<Value>;
}

/** Opens the stream again when all components of a page have said what they show. */
function plan(): void {
  if (isPlanned) return;
  isPlanned = true;
  queueMicrotask(() => {
    isPlanned = false;
    const wanted = [...topics].filter(([, { users }]) => users > 0).map(([path]) => encodeURIComponent(path));
    const next = wanted.sort().join(',');
    if (next === asked) return;
    asked = next;
    open();
  });
}

function open(): void {
  source?.close();
  source = undefined;
  if (asked === '') return;
  const opened = new EventSource(`/v1/live?topics=${encodeURIComponent(asked)}`);
  source = opened;
  opened.addEventListener('open', () => {
    brokenSince.value = undefined;
  });
  opened.addEventListener('error', () => {
    brokenSince.value ??= Date.now();
    // A browser does not connect again after an answer that is no stream, such as 503 of a proxy, or 401.
    if (opened.readyState !== EventSource.CLOSED) return;
    void readSession();
    setTimeout(() => source === opened && open(), 2_000);
  });
  opened.addEventListener('read', ({ data }) => {
    const { topic: path, value, problem } = JSON.parse(data);
    const topic = topics.get(path);
    if (!topic) return;
    const { value: last } = topic.shown.peek();
    topic.shown.value = problem ? { value: last, problem, stale: true } : { value, stale: false };
  });
}
