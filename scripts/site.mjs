/**
 * `npm run site`: the documents as a site, with search, in `.holdfast/site/dist`. VitePress is installed beside it when asked
 * for, because nothing else here needs it.
 *
 * Guarantees: every Markdown file of the repository is a page; a link to another file leads to its text. A link that leads
 * nowhere ends the build with exit code 1. Nothing is loaded from another host.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { ROOT } from './setup.mjs';

const FOLDER = join(ROOT, '.holdfast', 'site');
const VITEPRESS = 'vitepress@1.6.4';

/** The side bar: documents in reading order. What is not in it is found by links and by search. */
const SECTIONS = {
  'Begin here': ['README.md', 'docs/GLOSSARY.md', 'docs/GUARANTEES.md', 'docs/ERRORS.md', 'CHANGELOG.md'],
  Packages: [
    'lock',
    'fence',
    'queue',
    'workflow',
    'features',
    'vectors',
    'server',
    'holdfast',
    'telemetry',
    'local',
  ].map((name) => `packages/${name}/README.md`),
  'How to': [
    'docs/COOKBOOK.md',
    'docs/COMING-FROM.md',
    'docs/OBSERVABILITY.md',
    'docs/UPGRADING.md',
    'examples/README.md',
  ],
  Operate: ['DEPLOY', 'KUBERNETES', 'OPERATE', 'MANAGED', 'ZONES', 'ERASURE']
    .map((name) => `docs/${name}.md`)
    .concat('SECURITY.md'),
  Inside: [
    'docs/ARCHITECTURE.md',
    'docs/design/lock.md',
    'docs/design/fence.md',
    'docs/design/queue.md',
    'docs/design/workflow.md',
    'docs/FAULTS.md',
    'simulation/README.md',
    'faults/README.md',
    'benchmarks/README.md',
    'CONTRIBUTING.md',
  ],
};

const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
});
const files = new Set(listed.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path))));
const folders = new Set();
const pages = [...files].filter((path) => path.endsWith('.md'));

installVitePress();
rmSync(join(FOLDER, 'src'), { recursive: true, force: true });
for (const page of pages) write(pageOf(page), withLinks(page, readFileSync(join(ROOT, page), 'utf8')));
configure();
const program = join(FOLDER, 'node_modules', 'vitepress', 'bin', 'vitepress.js');
const { status } = spawnSync(process.execPath, [program, 'build', 'src'], { cwd: FOLDER, stdio: 'inherit' });
if (status !== 0) process.exit(1);
console.log(
  `\n${pages.length} pages: ${join('.holdfast', 'site', 'dist', 'index.html')}; "npx serve .holdfast/site/dist" or any web server shows them.`,
);

function installVitePress() {
  if (existsSync(join(FOLDER, 'node_modules', 'vitepress'))) return;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'package.json'), '{ "private": true, "type": "module" }\n');
  const args = ['install', '--prefix', FOLDER, '--no-audit', '--no-fund', '--prefer-offline', VITEPRESS];
  const { status, stderr } = spawnSync('npm', args, { encoding: 'utf8' });
  if (status === 0) return;
  console.error(`npm ${args.join(' ')}:\n${stderr}`);
  process.exit(1);
}

/** Where a page lies in the site: a README is the index of its folder. */
function pageOf(path) {
  return path.replace(/(^|\/)README\.md$/, '$1index.md');
}

/** Links to pages lead to pages, those to other files to their text. Code is left as it is. */
function withLinks(page, text) {
  const shown = text.replaceAll(/^<!--[\s\S]*?-->\n/gm, '');
  const parts = shown.split(/(^```[\s\S]*?^```|^~~~[\s\S]*?^~~~|`[^`\n]+`)/m);
  const changed = parts.map((part, index) =>
    index % 2 === 1
      ? part
      : part
          .replaceAll('{{', '&#123;&#123;')
          .replaceAll(/\]\(([^)\s]+)\)/g, (_, link) => `](${linkFrom(page, link) ?? link})`),
  );
  return changed.join('');
}

function linkFrom(page, link) {
  if (/^[a-z][a-z+.-]*:|^#/i.test(link)) return undefined;
  const [path = '', anchor] = link.split('#');
  const target =
    posix.join(path.startsWith('/') ? '' : posix.dirname(page), decodeURI(path)).replace(/^\/|\/$/g, '') ||
    '.';
  const found = files.has(target) ? target : `${target === '.' ? '' : `${target}/`}README.md`;
  const hash = anchor ? `#${anchor}` : '';
  if (files.has(found) && found.endsWith('.md')) return `/${pageOf(found)}${hash}`;
  if (!files.has(target)) return folderOf(target) ?? `/nowhere/${target}.md`; // the build tells of it
  const copy = /\.(png|svg|jpg|gif)$/.test(target) ? `files/${target}` : `files/${target}.txt`;
  const place = join(FOLDER, 'src', 'public', copy);
  mkdirSync(dirname(place), { recursive: true });
  cpSync(join(ROOT, target), place);
  return `/${copy}`;
}

/** A folder that has no README is a page with the names of its files. */
function folderOf(folder) {
  const inside = [...files].filter((path) => path.startsWith(`${folder}/`));
  if (inside.length === 0) return undefined;
  const page = `${folder}/index.md`;
  if (!folders.has(page)) {
    folders.add(page);
    const lines = inside.map((path) => `- [${path.slice(folder.length + 1)}](${linkFrom(page, `/${path}`)})`);
    write(page, `# ${folder}\n\n${lines.join('\n')}\n`);
  }
  return `/${page}`;
}

function write(path, text) {
  const place = join(FOLDER, 'src', path);
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, text);
}

function titleOf(page) {
  return /^# (.*)$/m.exec(readFileSync(join(ROOT, page), 'utf8'))?.[1] ?? page;
}

function configure() {
  const sidebar = Object.entries(SECTIONS).map(([text, items]) => ({
    text,
    items: items
      .filter((page) => files.has(page))
      .map((page) => ({ text: titleOf(page), link: `/${pageOf(page)}` })),
  }));
  const configuration = {
    title: 'Holdfast',
    description: 'Coordination on Redis in which every write is checked against a fencing token.',
    outDir: '../dist',
    // The documents have no HTML; what looks like it is a name in angle brackets.
    markdown: { html: false },
    ignoreDeadLinks: 'localhostLinks',
    themeConfig: { sidebar, search: { provider: 'local' }, outline: [2, 3] },
  };
  write('.vitepress/config.mjs', `export default ${JSON.stringify(configuration, null, 2)};\n`);
}
