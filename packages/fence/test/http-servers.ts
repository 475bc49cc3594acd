/**
 * One small server in each framework, with the same routes: `/things/:name`, behind fencing, for every method.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import type { Sealed } from '@holdfast/fence';
import {
  expressFencing,
  expressProblems,
  type FencingOptions,
  fastifyFencing,
  fastifyProblems,
  honoFencing,
  nodeFencing,
} from '@holdfast/fence/http';
import { type HttpBindings, serve } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';

// biome-ignore lint/suspicious/noExplicitAny: here are several guards; who has one declares Fencing<typeof guard>
type Any = any;

declare module 'fastify' {
  interface FastifyRequest {
    fencing: Any;
  }
}

declare global {
  namespace Express {
    interface Request {
      fencing: Any;
    }
  }
}

/** What a server does with a request that passed; the text is its answer. */
export type Handle<W, R> = (
  fencing: Sealed<W, R> | undefined,
  body: AsyncIterable<Uint8Array>,
) => Promise<string>;

export interface Site<W, R> extends Omit<FencingOptions<never, Sealed<W, R>>, 'resource'> {
  /** Default: the name in the path. */
  readonly resource?: string;
  readonly handle: Handle<W, R>;
}

export interface RunningSite extends AsyncDisposable {
  /** Of a thing. */
  url(name: string): string;
}

export type Start = <W, R>(site: Site<W, R>) => Promise<RunningSite>;

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Where other errors end, in each framework: as a 500 that says so. */
const FAILED = 'the handler failed';

async function running(server: Server): Promise<RunningSite> {
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (name) => `http://127.0.0.1:${port}/things/${encodeURIComponent(name)}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const startNode: Start = ({ handle, ...site }) => {
  const listener = nodeFencing(
    { resource: ({ url = '' }) => decodeURIComponent(url.slice('/things/'.length)), ...site },
    async (request, response, fencing) => void response.end(await handle(fencing, request)),
  );
  return running(
    createServer((request, response) => {
      listener(request, response).catch(() => response.writeHead(500).end(FAILED));
    }),
  );
};

const startExpress: Start = async ({ handle, ...site }) => {
  const app = express();
  app.all(
    '/things/:name',
    expressFencing({ resource: (request) => request.params.name, ...site }),
    async (request, response) => {
      response.send(await handle(request.fencing, request));
    },
  );
  app.use(expressProblems);
  const failed: express.ErrorRequestHandler = (_error, _request, response, _next) => {
    response.status(500).send(FAILED);
  };
  app.use(failed);
  return running(createServer(app));
};

const startFastify: Start = async ({ handle, ...site }) => {
  const app = fastify();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.setErrorHandler((_error, _request, reply) => reply.code(500).send(FAILED));
  await app.register(async (scope) => {
    scope.setErrorHandler(fastifyProblems);
    scope.all<{ Params: { name: string }; Body?: Readable }>(
      '/things/:name',
      { onRequest: fastifyFencing({ resource: (request) => request.params.name, ...site }) },
      (request) => handle(request.fencing, request.body ?? nothing()),
    );
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return running(app.server);
};

const startHono: Start = async ({ handle, ...site }) => {
  const app = new Hono<{ Bindings: HttpBindings; Variables: { fencing: Any } }>();
  app.onError((_error, c) => c.text(FAILED, 500));
  app.all('/things/:name', honoFencing({ resource: (c) => c.req.param('name'), ...site }), async (c) =>
    c.text(await handle(c.get('fencing'), c.req.raw.body ?? nothing())),
  );
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () =>
      resolve(running(server as Server)),
    );
  });
};

export const FRAMEWORKS: readonly (readonly [name: string, start: Start])[] = [
  ['node:http', startNode],
  ['express', startExpress],
  ['fastify', startFastify],
  ['hono', startHono],
];
