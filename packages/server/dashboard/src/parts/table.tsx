/** A table whose rows have keys: those that have just come fade in. */
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';

export interface Column<Row> {
  readonly title: string;
  readonly show: (row: Row) => ComponentChildren;
  readonly isNumber?: boolean;
  /** The title is for readers of screens only. */
  readonly isUntitled?: boolean;
}

export function Table<Row>(props: {
  readonly name: string;
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly columns: readonly Column<Row>[];
}) {
  const { name, rows, keyOf, columns } = props;
  const known = useRef<Set<string> | undefined>(undefined);
  const keys = rows.map(keyOf);
  const before = known.current;
  known.current = new Set(keys);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
    <section class="scroll" tabIndex={0} aria-label={name}>
      <table>
        <thead>
          <tr>
            {columns.map(({ title, isNumber, isUntitled }) => (
              <th key={title} scope="col" class={isNumber ? 'number' : ''}>
                {isUntitled ? <span class="hidden">{title}</span> : title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={keys[index]} class={before && !before.has(keys[index] as string) ? 'new' : ''}>
              {columns.map(({ title, show, isNumber }) => (
                <td key={title} class={isNumber ? 'number' : ''}>
                  {show(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
