/**
 * Text of users, safe for a terminal: its control characters are shown, not obeyed, so that it can neither forge lines nor
 * change what stands elsewhere.
 */
export function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => {
    const known = JSON.stringify(control).slice(1, -1);
    return known === control ? `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}` : known;
  });
}

/** Rows of words as a table of aligned columns, without trailing spaces. */
export function renderTable(words: readonly (readonly string[])[]): string {
  const rows = words.map((row) => row.map(visible));
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
}
