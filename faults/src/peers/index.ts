/**
 * `npm run faults -- peers`: the same faults against other libraries.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { comparePeers, type PeerResult, type PeersOptions } from './compare.js';
import { TTL } from './contenders.js';

const require = createRequire(import.meta.url);

/** Compares, and describes the result in Markdown. */
export async function reportPeers(options: PeersOptions): Promise<string> {
  const results = await comparePeers(options);
  const lines = results.map((result) => {
    const { contender, sections, doubles, expired, acknowledged, lost } = result;
    const told = /^holdfast|^@sesamecare/.test(contender.name);
    const cells = [
      ...[
        `${contender.name} ${versionOf(result)}`,
        sections,
        doubles,
        told ? expired : '–',
        acknowledged,
        lost,
      ],
      contender.remark,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    `\`npm run faults -- peers --minutes ${options.minutes} --seed ${options.seed}\`, ${options.minutes} minutes each,`,
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}. TTL ${TTL} ms.`,
    '',
    '| library | critical sections | double grants | expired when granted | acknowledged writes | of these lost | how it was used |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

/** From the package's own folder: not all export their manifest. */
function versionOf({ contender }: PeerResult): string {
  let folder = dirname(require.resolve(contender.package));
  for (;;) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (name === contender.package) return version;
    } catch {
      // Not here: look above.
    }
    const above = dirname(folder);
    if (above === folder) return '';
    folder = above;
  }
}
