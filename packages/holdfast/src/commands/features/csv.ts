/**
 * CSV as RFC 4180 has it: fields that commas separate, quoted where they hold commas, quotes or line breaks; the first line names
 * the columns.
 *
 * Guarantees: a quote that is not closed at the end of the file is an error, not a row that has swallowed the rest.
 */

/** The lines of a CSV file as lists of fields, whatever the pieces in which the text comes. Empty lines are left out. */
export async function* csvLines(text: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  let line: string[] = [];
  let field = '';
  let isQuoted = false;
  /** Whether a quote has just ended, or been the first of two. */
  let isAfterQuote = false;
  let wasReturn = false;
  let isFirst = true;
  const endLine = (): readonly string[] | undefined => {
    const ended = [...line, field];
    [line, field, isAfterQuote] = [[], '', false];
    return ended.length === 1 && ended[0] === '' ? undefined : ended;
  };
  for await (const piece of text) {
    for (const char of isFirst ? piece.replace(/^\uFEFF/, '') : piece) {
      if (isQuoted) {
        if (char !== '"') field += char;
        else [isQuoted, isAfterQuote] = [false, true];
      } else if (char === '"') {
        if (isAfterQuote) field += '"';
        [isQuoted, isAfterQuote] = [true, false];
      } else if (char === ',') {
        line.push(field);
        [field, isAfterQuote] = ['', false];
      } else if (char === '\n' || char === '\r') {
        const ended = char === '\n' && wasReturn ? undefined : endLine();
        if (ended !== undefined) yield ended;
      } else field += char;
      wasReturn = char === '\r' && !isQuoted;
    }
    isFirst = false;
  }
  if (isQuoted) throw new Error('a quote is not closed at the end of the file');
  const ended = endLine();
  if (ended !== undefined) yield ended;
}
