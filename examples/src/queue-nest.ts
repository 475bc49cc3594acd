/**
 * A queue in a NestJS app: providers for a queue and for its worker, which begin and end with the app. They are plain
 * classes with Nest's lifecycle methods, which Nest calls by their names; here they are called as Nest calls them, without
 * Nest, which is too large to install for it. In an app, `@Injectable()` and `@Inject(IMAGES)` stand where the comments
 * say, and `app.enableShutdownHooks()` lets the app hear of SIGTERM.
 */

// #region readme
import { createQueue, createWorker, type Queue, type Task, type Worker } from '@holdfast/queue';
import { data, stop } from './nodes.js';

export const IMAGES = Symbol('images');

/** @Injectable() */
class Thumbnails {
  small(url: string): string {
    return `small ${url}`;
  }
}

/** @Injectable() */
class ImagesWorker {
  readonly #images: Queue<{ url: string }>;
  readonly #thumbnails: Thumbnails;
  #worker: Worker | undefined;

  /** @Inject(IMAGES) images */
  constructor(images: Queue<{ url: string }>, thumbnails: Thumbnails) {
    this.#images = images;
    this.#thumbnails = thumbnails;
  }

  onApplicationBootstrap(): void {
    const handler = ({ data: { url } }: Task<{ url: string }>) => this.#thumbnails.small(url);
    this.#worker = createWorker({ queue: this.#images, handler });
  }

  /** Before connections of the app are closed: what cannot finish is handed back. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#worker?.stop();
  }

  /** For a health indicator of @nestjs/terminus. */
  get problem(): string | undefined {
    return this.#worker?.problem;
  }
}

const useFactory = () => createQueue<{ url: string }>({ redis: data, name: 'images' });

/** `providers` of a module. */
export const providers = [{ provide: IMAGES, useFactory }, Thumbnails, ImagesWorker];
// #endregion readme

const images = useFactory();
const worker = new ImagesWorker(images, new Thumbnails());
worker.onApplicationBootstrap();
const { id } = await images.add({ url: 'cat.png' });
console.log(await images.wait(id), worker.problem);
await worker.beforeApplicationShutdown();
console.log(worker.problem);
await images.close();
await stop();
