/** The parts that a page consists of: its head with a verdict, cards, numbers, facts, and what stands where nothing is. */
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { type Problem, wordsOf } from '../api.js';
import { course } from '../series.js';
import { Spark } from './charts.js';
import { Copy } from './copy.js';

/** The head of a page: a verdict in words. `name`: of the page, in the title of the window. */
export function Head(props: {
  readonly name: string;
  readonly verdict: ComponentChildren;
  readonly sub?: ComponentChildren;
  readonly crumbs?: ComponentChildren;
  readonly children?: ComponentChildren;
}) {
  const { name, verdict, sub, crumbs, children } = props;
  useEffect(() => {
    document.title = `${name} · Holdfast`;
  }, [name]);
  return (
    <div class="head">
      <div>
        {crumbs && (
          <nav class="crumbs" aria-label="Above this page">
            {crumbs}
          </nav>
        )}
        <h1>{verdict}</h1>
        {sub && <p class="sub">{sub}</p>}
      </div>
      {children && <div class="row">{children}</div>}
    </div>
  );
}

export function Card(props: {
  readonly title: string;
  readonly right?: ComponentChildren;
  readonly stale?: boolean;
  readonly children: ComponentChildren;
}) {
  const { title, right, stale, children } = props;
  return (
    <section class={stale ? 'card stale' : 'card'}>
      <header>
        <h2>{title}</h2>
        {right && <div class="right">{right}</div>}
      </header>
      {children}
    </section>
  );
}

/** A number that leads to what it counts. `of`: the name under which its course is kept, if it has a spark. */
export function Stat(props: {
  readonly label: string;
  readonly value: string | undefined;
  readonly to: string;
  readonly note?: ComponentChildren;
  readonly of?: { readonly name: string; readonly value: number | undefined };
}) {
  const { label, value, to, note, of } = props;
  return (
    <a class="stat" href={to}>
      <div class="label">{label}</div>
      <div class="value">{value ?? '–'}</div>
      {note !== undefined && <div class="note">{note}</div>}
      {of && <Spark points={course(of.name, of.value)} label={`${label} since this page was opened`} />}
    </a>
  );
}

export function Facts({ of }: { readonly of: readonly (readonly [string, ComponentChildren])[] }) {
  const known = of.filter(([, value]) => value !== undefined && value !== null);
  return (
    <dl class="facts">
      {known.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}

/** Why there is nothing, and the command that changes it. */
export function Empty({ why, command }: { readonly why: ComponentChildren; readonly command?: string }) {
  return (
    <div class="empty">
      <p>{why}</p>
      {command && (
        <div class="command">
          <code>{command}</code>
          <Copy text={command} what="command" />
        </div>
      )}
    </div>
  );
}

/** Why something cannot be shown, in the server's words. */
export function Refused({ problem }: { readonly problem: Problem }) {
  return <Empty why={wordsOf(problem)} />;
}

export type Tone = 'good' | 'wait' | 'bad' | 'refused' | 'over';

export function Pill({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return <span class={`pill ${tone}`}>{children}</span>;
}
