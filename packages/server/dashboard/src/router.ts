/**
 * Where the reader is: the path and the query of the address bar, which hold all state of a page, so that a link to what is
 * seen can be sent to somebody.
 */
import { computed, signal } from '@preact/signals';

const place = signal(location.pathname + location.search);

export const path = computed(() => place.value.split('?')[0] ?? '/');

/** The parameters of the query. */
export const query = computed(() => new URLSearchParams(place.value.split('?')[1] ?? ''));

/** A path with its names filled in, and a query without what is undefined or empty. */
export function href(
  pattern: string,
  names: Readonly<Record<string, string>> = {},
  parameters: Readonly<Record<string, string | undefined>> = {},
): string {
  const filled = pattern.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(names[name] ?? ''));
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(given as [string, string][]).toString();
  return text === '' ? filled : `${filled}?${text}`;
}

/** The same page with other parameters; `undefined` leaves one out. */
export function withQuery(changes: Readonly<Record<string, string | undefined>>): string {
  return href(path.value, {}, { ...Object.fromEntries(query.value), ...changes });
}

export function go(to: string, { replaces = false } = {}): void {
  history[replaces ? 'replaceState' : 'pushState'](undefined, '', to);
  place.value = to;
  if (!replaces) scrollTo(0, 0);
}

/** The names in a path, or undefined if it is not of this pattern. */
export function match(pattern: string, at: string): Record<string, string> | undefined {
  const [wanted, given] = [pattern.split('/'), at.split('/')];
  if (wanted.length !== given.length) return undefined;
  const names: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const segment = given[index] ?? '';
    if (!part.startsWith(':')) {
      if (part !== segment) return undefined;
    } else if (segment === '') {
      return undefined;
    } else {
      try {
        names[part.slice(1)] = decodeURIComponent(segment);
      } catch {
        return undefined;
      }
    }
  }
  return names;
}

/** Follows links to other pages of the dashboard without loading it again. */
export function listen(): void {
  addEventListener('popstate', () => {
    place.value = location.pathname + location.search;
  });
  document.addEventListener('click', (event) => {
    const link = (event.target as Element | null)?.closest('a');
    if (!link || link.origin !== location.origin || link.hasAttribute('data-leaves')) return;
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
