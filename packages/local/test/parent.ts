/**
 * A program that starts nodes and does not stop them. It prints one line of JSON about them, then ends as its first
 * argument says: `itself` (nothing more to do), `exit`, `crash`, or `never`: then parent.test.ts ends it.
 */
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { startNodes } from '@holdfast/local';

const how = process.argv[2];
const { nodes } = await startNodes(3);
const pids = nodes.map(({ pid }) => pid);
await nodes[0]?.kill();
nodes[1]?.freeze();
// Outlives this program, and would keep the lifelines open if it had inherited them.
const bystander = spawn('sleep', ['600'], { stdio: 'ignore', detached: true });
bystander.unref();
process.once('SIGINT', () => console.log('interrupted'));
const ports = nodes.map(({ port }) => port);
const folder = dirname(nodes[0]?.folder ?? '');
console.log(JSON.stringify({ pids, ports, folder, bystander: bystander.pid }));
if (how === 'exit') process.exit();
if (how === 'crash') throw new Error('as planned');
if (how === 'never') setInterval(() => {}, 60_000);
