/**
 * @holdfast/fence/http: fencing tokens over HTTP. The main path: `fencedFetch` in the client; in the server the adapter of
 * its framework over a guard, and a handler that writes under the `fencing` that it gets.
 */
export {
  createFencingCheck,
  type Fencing,
  type FencingOptions,
  type RequestHead,
  type Sealer,
  type Verdict,
} from './check.js';
export { type ExpressRequestLike, expressFencing, expressProblems } from './express.js';
export {
  type FastifyReplyLike,
  type FastifyRequestLike,
  fastifyFencing,
  fastifyProblems,
} from './fastify.js';
export { fencedFetch } from './fetch.js';
export { type FencingHeaders, fencingHeaders } from './headers.js';
export { type HonoContextLike, honoFencing } from './hono.js';
export { type NodeHandler, nodeFencing } from './node.js';
export { type Problem, problemOf } from './problem.js';
