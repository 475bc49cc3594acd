/** The parameters of a deployment, in the form in which a deployment record keeps them, taken apart and compared. */

/** From `nodes=3 maxTtl=30000 …`. */
export function readParameters(text: string): ReadonlyMap<string, string> {
  return new Map(text.split(' ').map((pair) => pair.split('=') as [string, string]));
}

export interface Difference {
  readonly name: string;
  /** The values in the record and of this client; absent if one of them does not know the parameter. */
  readonly recorded: string | undefined;
  readonly ours: string | undefined;
}

export function differences(recorded: string, ours: string): readonly Difference[] {
  const [theirs, own] = [readParameters(recorded), readParameters(ours)];
  const names = new Set([...own.keys(), ...theirs.keys()]);
  return [...names]
    .filter((name) => theirs.get(name) !== own.get(name))
    .map((name) => ({ name, recorded: theirs.get(name), ours: own.get(name) }));
}

/** The flags for the parameters of a record; the number of nodes follows from the list of nodes. */
const FLAGS: Readonly<Record<string, string>> = {
  maxTtl: '--max-ttl',
  window: '--window',
  retention: '--retention',
  margin: '--margin',
  persistence: '--persistence',
  replicas: '--replicas',
};

export function asFlags(found: readonly Difference[]): readonly string[] {
  return found.flatMap(({ name, recorded }) => {
    const flag = FLAGS[name];
    return flag === undefined || recorded === undefined ? [] : `${flag} ${recorded}`;
  });
}
