/** The `vectors` of createIndex() that mean a model of which Redis has the name and the shapes. */
import type { Shape } from '../aspect.js';
import type { VectorsOptions } from '../vector-index-options.js';

/** What a process wishes for itself. */
export type Wishes = Pick<VectorsOptions, 'recall' | 'memory'>;

/** One, if the vectors have no names; else those of each name. */
export function vectorsOf(
  model: string,
  shapes: Readonly<Record<string, Shape>>,
  wishes: Wishes = {},
): VectorsOptions | Readonly<Record<string, VectorsOptions>> {
  const [only] = Object.entries(shapes);
  if (only?.[0] === '') return wished(model, only[1], wishes);
  const models = new Map(model.split('+').map((each) => each.split(':') as [string, string]));
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, wished(models.get(name) ?? model, shape, wishes)]),
  );
}

/** What the memory of this process is used for is not said of vectors that are not there. */
const wished = (model: string, { engine, ...shape }: Shape, wishes: Wishes): VectorsOptions =>
  engine ? { model, ...shape, engine } : { model, ...shape, ...wishes };
