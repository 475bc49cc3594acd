/** Articles into Redis, from where every server that searches has them. */
import type { VectorIndex } from '@holdfast/vectors';
import type { Article } from './articles.js';

/** Writes that are under way at a time. */
const AT_ONCE = 256;

/** Resolves to the place of the last write: searches after it see all articles. */
export async function ingest(kb: VectorIndex, articles: Iterable<Article>): Promise<string | undefined> {
  let some: Article[] = [];
  let place: string | undefined;
  const write = async (): Promise<void> => {
    const time = Date.now();
    const written = await Promise.all(some.map((article) => kb.put(article, { time })));
    place = written.at(-1)?.place ?? place;
    some = [];
  };
  for (const article of articles) {
    some.push(article);
    if (some.length === AT_ONCE) await write();
  }
  await write();
  return place;
}
