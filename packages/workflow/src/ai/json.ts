/**
 * What a model gives, as a journal keeps it: JSON has neither bytes nor times.
 *
 * Guarantees: what `unpacked` gives is what `packed` was given, as far as it is data.
 */

export function packed(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  if (value instanceof Date) return { $time: value.getTime() };
  if (Array.isArray(value)) return value.map(packed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, packed(each)]));
}

export function unpacked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpacked);
  if (typeof value !== 'object' || value === null) return value;
  const { $bytes, $time } = value as { $bytes?: unknown; $time?: unknown };
  if (typeof $bytes === 'string') return new Uint8Array(Buffer.from($bytes, 'base64'));
  if (typeof $time === 'number') return new Date($time);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, unpacked(each)]));
}
