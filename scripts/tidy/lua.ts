/**
 * A Lua file is one verb, short, and its header says what it does and names every key and argument that it uses.
 */
import { blank, judgeMatches, type Rule, type SourceFile, type Violation } from './files.js';

const LONGEST = 60;

export const lua: Rule = (files) =>
  files
    .filter(({ path }) => /^packages\/[^/]+\/lua\/.*\.lua$/.test(path))
    .flatMap((file) => [...judgeShape(file), ...judgeEntries(file), ...judgeReplies(file)]);

/** The comment lines that open the file. */
const headerOf = ({ text }: SourceFile): string => /^(--.*(\n|$))*/.exec(text)?.[0] ?? '';

/** What is run: without comments, on the same lines. */
const bodyOf = ({ path, text }: SourceFile): SourceFile => ({ path, text: blank(text, /--.*$/gm) });

function judgeShape(file: SourceFile): Violation[] {
  const found: Violation[] = [];
  const lines = file.text.trimEnd().split('\n').length;
  if (lines > LONGEST) {
    const message = `has ${lines} lines, and a verb has at most ${LONGEST}; make it two verbs or decide in the client`;
    found.push({ path: file.path, line: LONGEST + 1, message });
  }
  const verb = /([^/]+)\.lua$/.exec(file.path)?.[1];
  if (!new RegExp(`^-- (${verb}: \\S|Prelude )`).test(file.text)) {
    const message = `begin with "-- ${verb}: " and what it does, or with "-- Prelude " if others stand on it`;
    found.push({ path: file.path, line: 1, message });
  }
  return found;
}

function judgeEntries(file: SourceFile): Violation[] {
  const header = headerOf(file);
  return judgeMatches(bodyOf(file), /\b(KEYS|ARGV)\[([^\]]+)\]/g, ([entry, list, index = '']) => {
    if (/^\d+$/.test(index)) {
      return header.includes(entry)
        ? undefined
        : `add a line "-- ${entry} ..." to the header that says what it is`;
    }
    return /^-- then, for each /m.test(header)
      ? undefined
      : `${entry} is computed; add a line "-- then, for each ...: ${list} ..." to the header that names its parts`;
  });
}

function judgeReplies(file: SourceFile): Violation[] {
  const body = bodyOf(file);
  return [
    ...judgeMatches(
      body,
      /\breturn\s*\{(?!\s*'[a-z]+')/g,
      () => "begin the reply with a word, as in {'granted'",
    ),
    ...judgeMatches(
      body,
      /=\s*\{\s*(?=['"\d-])(?!'[a-z]+')/g,
      () => "begin the reply with a word, as in {'granted'",
    ),
    ...judgeMatches(
      body,
      /\breturn\s+(?:-?\d|"|'(?![a-z]+[' :]))/g,
      () => "reply with a word, as in 'released', not a number",
    ),
    ...judgeMatches(
      body,
      /redis\.p?call\(\s*['"]keys['"]/gi,
      () => 'KEYS reads the whole server; take the keys from the caller',
    ),
  ];
}
