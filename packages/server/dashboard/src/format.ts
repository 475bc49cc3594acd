/** How numbers, times, tokens and names are written. */

const WHOLE = new Intl.NumberFormat('en');
const PART = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export const number = (value: number): string => WHOLE.format(value);

/** A number and its noun: "1 task", "2 tasks". */
export const counted = (value: number, noun: string, plural = `${noun}s`): string =>
  `${number(value)} ${value === 1 ? noun : plural}`;

/** How long something takes, from milliseconds. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${PART.format(ms)} ms`;
  if (ms < 60_000) return `${PART.format(ms / 1_000)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1_000)} s`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`;
  return `${Math.floor(ms / 86_400_000)} d ${Math.floor((ms % 86_400_000) / 3_600_000)} h`;
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const WITH_DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** A time of day, with the date where it is another day's. */
export function time(at: number): string {
  const moment = new Date(at);
  return (moment.toDateString() === new Date().toDateString() ? CLOCK : WITH_DAY).format(moment);
}

/** A name as it is shown: what looks like another letter, or like none, is written by its number. */
export const shownName = (name: string): string =>
  name.replaceAll(/[^\x20-\x7e]/gu, (letter) => `\\u{${letter.codePointAt(0)?.toString(16)}}`);

/** A word of a command, so that a shell takes it as one. */
export const shellWord = (word: string): string =>
  /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** A token, by its last six digits: "…692 044". */
export const tokenText = (token: number): string => {
  const digits = String(token);
  return digits.length <= 6 ? digits : `…${digits.slice(-6, -3)} ${digits.slice(-3)}`;
};

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** An amount of memory, from bytes. */
export function bytes(amount: number): string {
  const power = amount < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(amount) / 10));
  return `${PART.format(amount / 1024 ** power)} ${UNITS[power]}`;
}
