/** An add that waits while Redis is away, and is carried out once. */
import { startNodes } from '@holdfast/local';
import { createQueue } from '@holdfast/queue';

const local = await startNodes(1, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
const [node] = [...local];
const mails = createQueue<string>({ redis: local.urls[0] ?? '', name: 'mails', retry: { within: 20_000 } });

console.log((await mails.add('ann@example.org')).added);
await node?.stop();
const adding = mails.add('ben@example.org'); // it would throw an UnavailableError without `retry`
await node?.start();
console.log((await adding).added, (await mails.counts()).waiting);

await mails.close();
await local.stop();
