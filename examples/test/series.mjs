/**
 * Runs examples one after the other: each line of standard input names a module, the environment to set before it, and what
 * to print when it has run. Ends by itself after the last line, unless an example has left something open.
 */
import { createInterface } from 'node:readline';

for await (const line of createInterface({ input: process.stdin })) {
  const { path, env, end } = JSON.parse(line);
  Object.assign(process.env, env);
  await import(path);
  process.stdout.write(end);
}
