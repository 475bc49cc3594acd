/**
 * The documents are true: links lead somewhere, commands exist, samples are code that the tests run, and the error
 * catalogue is the one of the code.
 */
import { posix } from 'node:path';
import {
  blank,
  isMarkdown,
  isSource,
  judgeMatches,
  lineAt,
  packageOf,
  type Rule,
  type SourceFile,
  type Violation,
} from './files.js';

/** How a class declares its code. */
const CODE = /\breadonly code = '(HOLDFAST_\w+)'/g;
const CATALOGUE = 'docs/ERRORS.md';
/** These are for other packages, for the shell, or still being built: their READMEs need no sample in TypeScript. */
const WITHOUT_SAMPLE = ['kernel', 'redis', 'holdfast', 'mcp'];

const textOf = (files: readonly SourceFile[], path: string): string | undefined =>
  files.find((file) => file.path === path)?.text;

/** A code belongs to one class, in whichever package, and has its section. */
export const errorCatalogue: Rule = (files) => {
  const declared = new Set<string>();
  const twice = files.filter(isSource).flatMap((file) =>
    judgeMatches(file, CODE, ([, code = '']) => {
      if (declared.has(code)) return `${code} is the code of another class, too; give each its own`;
      declared.add(code);
      return undefined;
    }),
  );
  const catalogue = { path: CATALOGUE, text: textOf(files, CATALOGUE) ?? '' };
  const headings = [...catalogue.text.matchAll(/^## (HOLDFAST_\w+)/gm)].map(([, name]) => name);
  return [
    ...twice,
    ...[...declared]
      .filter((code) => !headings.includes(code))
      .map((code) => ({
        path: CATALOGUE,
        line: 1,
        message: `add "## ${code}" and what the caller does next`,
      })),
    ...judgeMatches(catalogue, /^## (HOLDFAST_\w+)/gm, ([, code = '']) =>
      declared.has(code) ? undefined : `no class has the code ${code}; remove it here or add the class`,
    ),
  ];
};

export const commands: Rule = (files) => {
  const { scripts = {} }: { scripts?: Record<string, string> } = JSON.parse(
    textOf(files, 'package.json') ?? '{}',
  );
  return files.filter(isMarkdown).flatMap((file) =>
    judgeMatches(file, /\bnpm (?:run (?:--?\w+ )*([\w:-]+)|(start|test)\b)/g, ([, run, short]) => {
      const name = run ?? short ?? '';
      return Object.hasOwn(scripts, name)
        ? undefined
        : `package.json has no script "${name}"; add or correct it`;
    }),
  );
};

export const links: Rule = (files) => {
  const existing = new Set(files.flatMap(({ path }) => [path, ...foldersOf(path)]));
  return files.filter(isMarkdown).flatMap((file) => {
    const prose = { path: file.path, text: blank(file.text, /^(```|~~~)[\s\S]*?^\1|`[^`\n]+`/gm) };
    return judgeMatches(prose, /\]\(\s*<?([^)>\s]+)|^\[[^\]]+\]:\s*(\S+)/gm, ([, inline, reference]) => {
      const link = inline ?? reference ?? '';
      const [path = ''] = link.split(/[?#]/);
      if (path === '' || /^[a-z][a-z+.-]*:/i.test(link)) return undefined;
      const target = posix.join(path.startsWith('/') ? '' : posix.dirname(file.path), decodeURI(path));
      return existing.has(target.replace(/^\/|\/$/g, '') || '.')
        ? undefined
        : `${link} leads nowhere; correct or remove the link`;
    });
  });
};

function foldersOf(path: string): string[] {
  const folder = posix.dirname(path);
  return folder === '.' ? ['.'] : [folder, ...foldersOf(folder)];
}

/** Each sample in a README is, to the letter, a region of an example that the tests run. */
export const samples: Rule = (files) => {
  const manifests = files.filter(({ path }) => /^(packages\/[^/]+\/)?package\.json$/.test(path));
  return manifests.flatMap((manifest) => {
    const path = manifest.path.replace('package.json', 'README.md');
    const text = textOf(files, path);
    if (text === undefined) return [{ path, line: 1, message: 'there is no README; write it' }];
    const found = [
      ...text.matchAll(/^(?:<!-- example: (\S+) -->\n)?```(?:ts|typescript)\b.*\n([\s\S]*?)^```/gm),
    ];
    if (found.length === 0 && !WITHOUT_SAMPLE.includes(packageOf(manifest) ?? '')) {
      return [{ path, line: 1, message: 'show a sample: a ```ts block that an example has, too' }];
    }
    return found.flatMap((block): Violation[] => {
      const [, example, sample = ''] = block;
      const message = judgeSample(files, example, sample);
      if (message === undefined) return [];
      return [{ path, line: lineAt(text, block.index) + (example ? 1 : 0), message }];
    });
  });
};

function judgeSample(
  files: readonly SourceFile[],
  path: string | undefined,
  sample: string,
): string | undefined {
  if (path === undefined) return 'put <!-- example: examples/src/<file>.ts --> on the line before the sample';
  const text = path.startsWith('examples/src/') ? textOf(files, path) : undefined;
  if (text === undefined) return `${path} is no file of examples/src; name the one that has this sample`;
  const region = /^\/\/ #region readme\n([\s\S]*?)^\/\/ #endregion readme/m.exec(text)?.[1] ?? text;
  if (withoutBlankEnds(region) !== withoutBlankEnds(sample)) {
    return `the sample differs from the region "readme" of ${path}; copy it from there`;
  }
  const name = path.replace('examples/src/', '');
  const run = files.some(
    (file) => /^examples\/test\/.*\.ts$/.test(file.path) && file.text.includes(`'${name}'`),
  );
  return run ? undefined : `no test in examples/test runs '${name}'; add it there`;
}

const withoutBlankEnds = (text: string): string => text.replace(/^(?:[ \t]*\n)+|\s+$/g, '');
