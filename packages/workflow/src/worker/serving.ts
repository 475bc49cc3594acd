/**
 * Tells a partition what a worker's session has: which workflows, in which builds.
 *
 * Guarantees: with a build that is higher than all before, runs that are stuck go on, however many they are. While runs wait
 * that neither this worker nor another may have, there is a `problem`. A call that fails is made again with the next look; an
 * outage is told of by the worker's other calls.
 */
import type { Served, Store } from '../store/store.js';

export class Serving {
  readonly #store: Pick<Store, 'serve'>;
  readonly #builds: Readonly<Record<string, string>>;
  readonly #archives: boolean;
  #unserved: Served['unserved'] = [];

  constructor(store: Pick<Store, 'serve'>, builds: Readonly<Record<string, string>>, archives: boolean) {
    this.#store = store;
    this.#builds = builds;
    this.#archives = archives;
  }

  get problem(): string | undefined {
    const [first] = this.#unserved;
    if (first === undefined) return undefined;
    const { workflow, build } = first;
    return `runs of "${workflow}" wait for ${nameOf(build)}, which no worker has; this one has ${nameOf(this.#builds[workflow] ?? '0')}`;
  }

  /** Never rejects. */
  async look(session: string | undefined): Promise<void> {
    const request = {
      workflows: Object.keys(this.#builds),
      builds: this.#builds,
      archives: this.#archives,
    };
    for (let isMore = session !== undefined; isMore; ) {
      const served = await this.#store
        .serve({ ...request, session: session as string })
        .catch(() => undefined);
      if (served === undefined) return;
      this.#unserved = served.unserved;
      isMore = served.isMore;
    }
  }
}

const nameOf = (build: string): string =>
  build.endsWith('=') ? `build ${build.slice(0, -1)}, pinned` : `build ${build}`;
