/**
 * The text format of Prometheus, version 0.0.4.
 *
 * Guarantees: names and labels are valid whatever they are made from.
 */

/** The content type of the format. */
export const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

export interface Sample {
  readonly labels: Readonly<Record<string, string | number | boolean>>;
  readonly value: number;
  /** For a histogram: "_bucket", "_sum" or "_count". */
  readonly suffix?: string;
}

export interface Family {
  /** As in OpenTelemetry, with dots. */
  readonly name: string;
  readonly unit: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly description: string;
  readonly samples: readonly Sample[];
}

export function writeFamily({ name, unit, type, description, samples }: Family): string {
  const written = valid(name) + (unit === 's' ? '_seconds' : '') + (type === 'counter' ? '_total' : '');
  const lines = samples.map(({ labels, value, suffix = '' }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${valid(label)}="${escaped(String(text))}"`);
    return `${written}${suffix}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`;
  });
  const help = description.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return `# HELP ${written} ${help}\n# TYPE ${written} ${type}\n${lines.join('')}`;
}

const valid = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_]/g, '_');

const escaped = (label: string): string =>
  label.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/**
 * Several texts as one: the format allows each family once, so the samples of two apps or of two packages that have the
 * same family stand together under its first heading.
 */
export function joinTexts(texts: readonly string[]): string {
  const families = new Map<string, { readonly head: string[]; readonly samples: string[] }>();
  let name = '';
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    if (line === '') continue;
    const [, about] = /^# (?:HELP|TYPE) (\S+)/.exec(line) ?? [];
    name = about ?? name;
    const family = families.get(name) ?? { head: [], samples: [] };
    families.set(name, family);
    if (about === undefined) family.samples.push(line);
    else if (!family.head.some((known) => known.slice(0, 6) === line.slice(0, 6))) family.head.push(line);
  }
  return [...families.values()]
    .flatMap(({ head, samples }) => [...head, ...samples])
    .map((line) => `${line}\n`)
    .join('');
}
