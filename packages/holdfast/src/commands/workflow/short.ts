/** A value for people to read: text as it is, all else as JSON, and no more than fits. */
const LONGEST = 200;

export function short(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
