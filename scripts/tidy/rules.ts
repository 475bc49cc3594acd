/**
 * The rules of the house that a machine can check, as pure functions from files to violations.
 *
 * Guarantees: a violation names the file, the line and what to do. docs/STYLE.md says why each rule is there.
 */
import ts from 'typescript';

export interface SourceFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export type Rule = (files: readonly SourceFile[]) => string[];

/** Which packages a package may import; the command line and the private folders see all. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  redis: ['kernel'],
  fence: ['kernel', 'redis'],
  lock: ['kernel', 'redis', 'fence'],
  local: ['kernel'],
  holdfast: ['kernel', 'redis', 'fence', 'lock', 'local'],
};

const isSource = ({ path }: SourceFile): boolean =>
  /^(packages\/[^/]+|examples|benchmarks)\/src\/.*\.ts$/.test(path);
const inPackage = ({ path }: SourceFile): string | undefined => /^packages\/([^/]+)\/src\//.exec(path)?.[1];
const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;

function matches(
  file: SourceFile,
  pattern: RegExp,
  message: (found: RegExpMatchArray) => string | undefined,
): string[] {
  return [...file.text.matchAll(pattern)].flatMap((found) => {
    const said = message(found);
    return said === undefined ? [] : [`${file.path}:${lineOf(file.text, found.index)}: ${said}`];
  });
}

/** Packages import downward only, by their entry points. */
const layers: Rule = (files) =>
  files.filter(isSource).flatMap((file) =>
    matches(file, /(?:from|import)\s*\(?\s*'([^']+)'/g, ([, name = '']) => {
      const own = inPackage(file);
      const target = /^@holdfast\/([^/]+)/.exec(name)?.[1] ?? (name === 'holdfast' ? 'holdfast' : undefined);
      if (/packages\//.test(name) || /^@holdfast\/[^/]+\/(src|dist)\//.test(name)) {
        return `imports ${name}; use the package's entry point`;
      }
      if (own === undefined || target === undefined || LAYERS[own]?.includes(target)) return undefined;
      return `${own} may import ${LAYERS[own]?.join(', ') || 'Node built-ins only'}; not ${target}`;
    }),
  );

/** A Lua file is short and its header names every key and argument that it uses. */
const luaHeaders: Rule = (files) =>
  files
    .filter(({ path }) => /^packages\/[^/]+\/lua\/.*\.lua$/.test(path))
    .flatMap((file) => {
      const lines = file.text.trimEnd().split('\n');
      const header = lines
        .slice(
          0,
          lines.findIndex((line) => !line.startsWith('--')),
        )
        .join('\n');
      const verb = /([^/]+)\.lua$/.exec(file.path)?.[1] ?? '';
      const found: string[] = [];
      if (lines.length > 60) found.push(`${file.path}: has ${lines.length} lines; a verb has 60 at most`);
      if (!header.startsWith(`-- ${verb}: `) && !header.startsWith('-- Prelude')) {
        found.push(`${file.path}:1: begin the header with "-- ${verb}: " and what it does`);
      }
      const body = { path: file.path, text: file.text.slice(header.length) };
      const named = (name: string): boolean =>
        header.includes(name) || /as \w+\.lua names them/.test(header) || /Prelude/.test(header);
      found.push(
        ...matches(body, /\b(KEYS|ARGV)\[(\d+)\]/g, ([name]) =>
          named(name) ? undefined : `the header does not name ${name}`,
        ),
        ...matches(body, /\b(KEYS|ARGV)\[[a-z]/g, ([, name]) =>
          /-- then, for each/.test(header)
            ? undefined
            : `the header does not say which ${name} stand for each operation`,
        ),
        ...matches(
          body,
          /(?:return|=)\s*\{\s*(-?\d|'[^a-z])/g,
          () => 'a reply begins with a lower-case word',
        ),
      );
      return found;
    });

const LONGEST_FILE = 400;
const LONGEST_FUNCTION = 70;
const MOST_PARAMETERS = 4;

/** Files and functions stay short, parameters few. */
const budgets: Rule = (files) =>
  files
    .filter((file) => isSource(file) || /^scripts\/.*\.(ts|mjs)$/.test(file.path))
    .flatMap((file) => {
      const parsed = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true);
      const lines = (node: ts.Node): [number, number] => [
        parsed.getLineAndCharacterOfPosition(node.getStart()).line + 1,
        parsed.getLineAndCharacterOfPosition(node.end).line + 1,
      ];
      const found: string[] = [];
      const total = file.text.split('\n').length;
      if (total > LONGEST_FILE) found.push(`${file.path}: has ${total} lines; ${LONGEST_FILE} at most`);
      const visit = (node: ts.Node): void => {
        if (ts.isFunctionLike(node)) {
          const [first, last] = lines(node);
          const length = last - first + 1;
          if (length > LONGEST_FUNCTION) {
            found.push(`${file.path}:${first}: a function of ${length} lines; ${LONGEST_FUNCTION} at most`);
          }
          if (node.parameters.length > MOST_PARAMETERS) {
            found.push(`${file.path}:${first}: ${node.parameters.length} parameters; pass an object`);
          }
        }
        ts.forEachChild(node, visit);
      };
      visit(parsed);
      return found;
    });

const BANNED =
  /(?<!\.)\b(Date\.now|performance\.now|setTimeout|setInterval|setImmediate|Math\.random|process\.hrtime)\b|new Date\(\)|node:timers/g;

/** Time and chance come in: only the kernel reads the machine's clock. */
const bannedCalls: Rule = (files) =>
  files
    .filter((file) => inPackage(file) !== undefined && inPackage(file) !== 'kernel')
    .flatMap((file) =>
      matches(
        { ...file, text: withoutComments(file.text) },
        BANNED,
        ([call]) => `${call}: take a Clock or a Random from the kernel`,
      ),
    );

/** Blanks comments, keeping the lines. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, ' '));
}

/** A name says what is inside. */
const drawers: Rule = (files) =>
  files.flatMap(({ path }) =>
    /(^|\/)(common|utils?|helpers?|lib|misc)(\/|\.[a-z]+$)/.test(path)
      ? [`${path}: name the file or folder for what is inside`]
      : [],
  );

/** Each file opens with what it is for. */
const fileHeaders: Rule = (files) =>
  files
    .filter(
      (file) =>
        isSource(file) || /^(packages\/[^/]+\/test|examples\/test|scripts)\/.*\.(ts|mjs)$/.test(file.path),
    )
    .flatMap(({ path, text }) =>
      /^(#!.*\n)?\/\*\*/.test(text) ? [] : [`${path}:1: open the file with /** what it is for */`],
    );

/** docs/ERRORS.md and the code know the same codes. */
const errorCatalogue: Rule = (files) => {
  const text = (path: string): string => files.find((file) => file.path === path)?.text ?? '';
  const declared = /ERROR_CODES = \[([^\]]*)\]/.exec(text('packages/kernel/src/errors.ts'))?.[1] ?? '';
  const inCode = [...declared.matchAll(/HOLDFAST_\w+/g)].map(([code]) => code);
  const inDocs = [...text('docs/ERRORS.md').matchAll(/^## (HOLDFAST_\w+)/gm)].map(([, code]) => code ?? '');
  return [
    ...inCode.filter((code) => !inDocs.includes(code)).map((code) => `docs/ERRORS.md: explain ${code}`),
    ...inDocs
      .filter((code) => !inCode.includes(code))
      .map((code) => `docs/ERRORS.md: ${code} is not in the code`),
  ];
};

/** Samples in a README are regions of examples that the tests run. */
const samples: Rule = (files) =>
  files
    .filter(({ path }) => /^(packages\/[^/]+\/)?README\.md$/.test(path))
    .flatMap((file) =>
      [...file.text.matchAll(/(?:<!-- example: (\S+) -->\n)?```ts\n([\s\S]*?)```/g)].flatMap((found) => {
        const at = `${file.path}:${lineOf(file.text, found.index)}`;
        const [, path, sample = ''] = found;
        if (path === undefined) return [`${at}: say <!-- example: path --> before the sample`];
        const example = files.find((candidate) => candidate.path === path)?.text ?? '';
        const region = /\/\/ #region readme\n([\s\S]*?)\n\s*\/\/ #endregion/.exec(example)?.[1] ?? example;
        return dedent(region) === dedent(sample) ? [] : [`${at}: the sample is not the region of ${path}`];
      }),
    );

function dedent(text: string): string {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const indents = lines.filter((line) => line !== '').map((line) => line.length - line.trimStart().length);
  return lines
    .map((line) => line.slice(Math.min(...indents)))
    .join('\n')
    .trim();
}

/** Links lead somewhere, and commands exist. */
const links: Rule = (files) => {
  const scripts =
    /"scripts": \{([^}]*)\}/.exec(files.find(({ path }) => path === 'package.json')?.text ?? '')?.[1] ?? '';
  return files
    .filter(({ path }) => path.endsWith('.md'))
    .flatMap((file) => [
      ...matches(file, /\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g, ([, link = '']) => {
        const target = new URL(link, `file:///${file.path}`).pathname.slice(1).replace(/\/$/, '');
        const exists = files.some(({ path }) => path === target || path.startsWith(`${target}/`));
        return exists ? undefined : `the link to ${link} leads nowhere`;
      }),
      ...matches(file, /npm run ([\w:-]+)/g, ([, name]) =>
        scripts.includes(`"${name}"`) ? undefined : `package.json has no script ${name}`,
      ),
    ]);
};

/** No path of somebody's machine. */
const machinePaths: Rule = (files) =>
  files
    .filter(({ path }) => !/package-lock\.json$|^scripts\/tidy/.test(path))
    .flatMap((file) =>
      matches(
        file,
        /(?<![\w.])\/(work|root|Users|home\/\w+)\/\w/g,
        ([path]) => `a path of one machine: ${path}`,
      ),
    );

/** Every rule, by its name. */
export const RULES = {
  layers,
  luaHeaders,
  budgets,
  bannedCalls,
  drawers,
  fileHeaders,
  errorCatalogue,
  samples,
  links,
  machinePaths,
} satisfies Record<string, Rule>;
