/** Names, tokens, times and data. Whatever comes from a user is text, never markup. */
import { useState } from 'preact/hooks';
import { duration, shownName, time, tokenText } from '../format.js';

export const Name = ({ of }: { readonly of: string }) => <span class="mono">{shownName(of)}</span>;

/** A fencing token: its last digits, and the whole where the pointer is. */
export const Token = ({ of }: { readonly of: number }) => (
  <span class="mono" title={String(of)}>
    {tokenText(of)}
  </span>
);

export const Time = ({ at }: { readonly at: number }) => (
  <time dateTime={new Date(at).toISOString()} title={`${duration(Math.max(0, Date.now() - at))} ago`}>
    {time(at)}
  </time>
);

/** Text as it is, which scrolls where it is long. */
export const Lines = ({ of, name }: { readonly of: string; readonly name: string }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
  <section class="lines" tabIndex={0} aria-label={name}>
    <pre>{of}</pre>
  </section>
);

const MOST = 4_096;

/** A value as JSON, cut where it is long. */
export function Json({ of, name }: { readonly of: unknown; readonly name: string }) {
  const [isWhole, setWhole] = useState(false);
  const text = JSON.stringify(of, undefined, 2) ?? 'undefined';
  const isCut = !isWhole && text.length > MOST;
  return (
    <div class="rows">
      <Lines of={isCut ? `${text.slice(0, MOST)}…` : text} name={name} />
      {isCut && (
        <div>
          <button type="button" onClick={() => setWhole(true)}>
            Show all {text.length.toLocaleString('en')} characters
          </button>
        </div>
      )}
    </div>
  );
}
