/** The frame around every page: the side bar, and a bar that says since when the page is not live. */
import type { ComponentChildren } from 'preact';
import { time } from '../format.js';
import { brokenSince } from '../live.js';
import { path } from '../router.js';
import { isReadOnly, session } from '../session.js';

const ICONS: Readonly<Record<string, string>> = {
  Overview: 'M3 11h6V3H3zM11 17h6V9h-6zM3 17h6v-4H3zM11 7h6V3h-6z',
  Queues: 'M3 5h14M3 10h14M3 15h9',
  Locks: 'M5 9h10v8H5zM7 9V6a3 3 0 0 1 6 0v3',
  Nodes: 'M4 4h12v4H4zM4 12h12v4H4zM7 6h.01M7 14h.01',
  Workflows: 'M3 5h6v4H3zM11 11h6v4h-6zM6 9v4h5',
  Features: 'M4 16V9M10 16V4M16 16v-5',
  Vectors: 'M10 3v7l6 4M10 10l-6 4M10 10h.01',
  Settings: 'M4 6h7M15 6h1M4 14h1M9 14h7M13 4v4M7 12v4',
};

export interface Entry {
  readonly name: string;
  readonly to: string;
  /** How many things there need attention. */
  readonly badge?: number;
}

export function Shell({
  entries,
  children,
}: {
  readonly entries: readonly Entry[];
  readonly children: ComponentChildren;
}) {
  const isHere = (to: string): boolean => (to === '/' ? path.value === '/' : path.value.startsWith(to));
  return (
    <div class="frame">
      <a class="skip" href="#page" data-leaves>
        To the page
      </a>
      <header class="side">
        <a class="brand" href="/">
          <svg
            width="20"
            height="20"
            viewBox="0 0 20 20"
            fill="none"
            stroke="currentColor"
            stroke-width="2"
            aria-hidden="true"
          >
            <path d="M10 2v15M6 6h8M3 12c2 6 12 6 14 0" stroke-linecap="round" />
          </svg>
          Holdfast
        </a>
        <nav class="nav" aria-label="Pages">
          {entries.map(({ name, to, badge }) => (
            <a key={to} href={to} {...(isHere(to) && { 'aria-current': 'page' })}>
              <svg
                width="18"
                height="18"
                viewBox="0 0 20 20"
                fill="none"
                stroke="currentColor"
                stroke-width="1.6"
                aria-hidden="true"
              >
                <path d={ICONS[name] ?? ''} stroke-linecap="round" stroke-linejoin="round" />
              </svg>
              {name}
              {badge ? (
                <span class="badge" title={`${badge} need attention`}>
                  {badge}
                </span>
              ) : null}
            </a>
          ))}
        </nav>
        <div class="foot">
          <span>{session.value?.subject ?? 'not signed in'}</span>
          {session.value && <span>{isReadOnly() ? 'read only' : 'may make changes'}</span>}
        </div>
      </header>
      <div>
        {brokenSince.value !== undefined && (
          <div class="bar" role="alert">
            Not live since {time(brokenSince.value)}: the server cannot be reached. Trying again.
          </div>
        )}
        <main id="page" class="rows">
          {children}
        </main>
      </div>
    </div>
  );
}
