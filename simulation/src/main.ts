/**
 * `npm run simulate`: the command line of the simulator.
 *
 * Guarantees: exits with 0 if nothing was violated (or, with `canaries`, if each was caught), with 1 if something was,
 * and with 2 for unknown arguments. The same seed and the same code give the same run.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { CANARIES, scenarioOfCanary } from './canaries/catalogue.js';
import { loadSubject } from './canaries/mutant.js';
import { reportCanaries } from './canaries/report.js';
import { compareModel } from './differential/index.js';
import type { Wishes } from './plan/draw.js';
import { reportLuaCoverage } from './run/lua-coverage.js';
import { runMany } from './run/pool.js';
import { type ScenarioName, scenarioOf } from './run/scenario.js';
import { shrink } from './run/shrink.js';
import { describeFailure, describeTally } from './run/tally.js';
import { replay } from './run/timeline.js';

const HELP = `npm run simulate                            1000 runs of the shipped code, each from a seed of its own
npm run simulate -- --runs 500000           that many runs
npm run simulate -- --minutes 30            as many runs as fit into that time
npm run simulate -- --seed 42               one run, with its timeline
npm run simulate -- --seed 42 --shrink      the smallest plan found that still has the violation of that run
npm run simulate -- queue                   all of the above for the queue instead of the locks: queue --seed 42
npm run simulate -- workflow                the same for workflows, with all that they offer: workflow --seed 42 --shrink
npm run simulate -- features                the same for a feature store: features --seed 42 --shrink
npm run simulate -- vectors                 the same for an index of vectors: vectors --seed 42 --shrink
npm run simulate -- canaries                checks that every deliberate mistake is caught, and in how many runs
npm run simulate -- workflow canaries       those in workflows only; also for the queue, features and vectors
npm run simulate -- model                   compares the model of Redis with a real one
npm run simulate -- coverage                shows which lines and branches of the Lua the runs reach

  --from S         the first seed; default 1
  --threads N      how many threads; default one for each core
  --nodes N        how many nodes, instead of the number drawn from the seed
  --clients N      how many clients, instead of the number drawn from the seed
  --focus NAME     draws one situation again and again:
                   queue: ${scenarioOf('queue').focuses.join(', ')}
                   workflow: ${scenarioOf('workflow').focuses.join(', ')}
                   features: ${scenarioOf('features').focuses.join(', ')}
                   vectors: ${scenarioOf('vectors').focuses.join(', ')}
  --canary NAME    runs the code with this mistake in it
  --only NAME      canaries: only this one; --runs N after so many runs it counts as not caught (default 20000);
                   --catches N: runs no more once it was caught so often (default 5)
  --sequences N    model: how many sequences of commands; default 2000
  --quiet          with --seed: no timeline`;

const WORDS = ['canaries', 'model', 'coverage'];

const SUBJECTS: readonly (string | undefined)[] = ['queue', 'workflow', 'features', 'vectors'];

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  quiet: { type: 'boolean' },
  shrink: { type: 'boolean' },
  runs: { type: 'string' },
  minutes: { type: 'string' },
  seed: { type: 'string' },
  from: { type: 'string' },
  threads: { type: 'string' },
  nodes: { type: 'string' },
  clients: { type: 'string' },
  canary: { type: 'string' },
  focus: { type: 'string' },
  only: { type: 'string' },
  catches: { type: 'string' },
  sequences: { type: 'string' },
} as const;

interface Values {
  readonly [option: string]: string | boolean | undefined;
}

process.exitCode = await main();

async function main(): Promise<number> {
  let values: Values;
  let words: string[];
  try {
    ({ values, positionals: words } = parseArgs({ options: OPTIONS, allowPositionals: true }));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  const [first] = words;
  const of = isScenario(first) ? first : undefined;
  const [word, ...more] = of ? words.slice(1) : words;
  if (values['help']) return say(HELP);
  const isKnown = word === undefined || (of ? word === 'canaries' : WORDS.includes(word));
  if (more.length > 0 || !isKnown) {
    console.error(`There is no "${words.join(' ')}".\n\n${HELP}`);
    return 2;
  }
  if (word === 'canaries') return canaries(values, of);
  if (word === 'model') return model(values);
  if (word === 'coverage') {
    return say(await reportLuaCoverage(whole(values, 'runs', 2_000), whole(values, 'from', 1)));
  }
  const scenario = of ?? scenarioOfCanary(canaryOf(values));
  return values['seed'] === undefined ? runs(scenario, values) : one(scenario, values);
}

function isScenario(word: string | undefined): word is Exclude<ScenarioName, 'locks'> {
  return SUBJECTS.includes(word);
}

function say(text: string): number {
  console.log(text);
  return 0;
}

/** A whole number from 1. Exits with 2 for anything else. */
function whole(values: Values, option: string, otherwise: number): number {
  const text = values[option];
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  console.error(`--${option} must be a whole number, at least 1; got "${text}".`);
  process.exit(2);
}

function wishesOf(values: Values, scenario: ScenarioName): Wishes {
  return {
    nodes: values['nodes'] === undefined ? undefined : whole(values, 'nodes', 5),
    clients: values['clients'] === undefined ? undefined : whole(values, 'clients', 4),
    focus: focusOf(values, scenario),
  };
}

/** Exits with 2 if there is none of that name. */
function focusOf(values: Values, scenario: ScenarioName): string | undefined {
  const name = values['focus'] as string | undefined;
  const { focuses } = scenarioOf(scenario);
  if (name === undefined || focuses.includes(name)) return name;
  console.error(`There is no focus "${name}" of ${scenario}; there are: ${focuses.join(', ') || 'none'}.`);
  process.exit(2);
}

function canaryOf(values: Values): string | undefined {
  return values['canary'] as string | undefined;
}

async function one(name: ScenarioName, values: Values): Promise<number> {
  const scenario = scenarioOf(name);
  const seed = whole(values, 'seed', 1);
  const subject = await loadSubject(canaryOf(values));
  const write = values['quiet'] ? () => {} : (line: string) => console.log(line);
  let plan = scenario.draw(seed, wishesOf(values, name));
  let outcome = await replay(scenario, plan, values['shrink'] ? () => {} : write, { subject });
  const [first] = outcome.violations;
  if (values['shrink'] && first) {
    plan = await shrink(scenario, plan, first.rule, { subject });
    outcome = await replay(scenario, plan, write, { subject });
    console.log(`\nthe smallest plan found:\n${JSON.stringify(plan, undefined, 1)}`);
  }
  const { grants, writes, events, duration, violations } = outcome;
  console.log(
    `\n${grants} ${scenario.words[0]}, ${writes} ${scenario.words[1]}, ${events} events in ${(duration / 1000).toFixed(1)} s of virtual time`,
  );
  for (const { rule, message } of violations) console.log(`VIOLATION of ${rule}: ${message}`);
  if (violations.length === 0) console.log('no violation');
  return violations.length === 0 ? 0 : 1;
}

async function runs(scenario: ScenarioName, values: Values): Promise<number> {
  const threads = whole(values, 'threads', availableParallelism());
  const minutes = values['minutes'] === undefined ? undefined : whole(values, 'minutes', 1);
  const wanted = minutes === undefined ? whole(values, 'runs', 1_000) : Number.POSITIVE_INFINITY;
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  let said = 0;
  let told = 0;
  const tally = await runMany({
    threads,
    scenario,
    canary: canaryOf(values),
    wishes: wishesOf(values, scenario),
    firstSeed: whole(values, 'from', 1),
    goesOn: (begun) => begun < wanted && (minutes === undefined || seconds() < minutes * 60),
    onProgress: ({ runs: done, failures }) => {
      for (const failure of failures.slice(told)) console.log(describeFailure(failure));
      told = failures.length;
      if (seconds() - said < 60) return;
      said = seconds();
      console.log(`${Math.round(said)} s: ${done} runs, ${failures.length} with a violation`);
    },
  });
  console.log(describeTally(tally, { seconds: seconds(), threads, words: scenarioOf(scenario).words }));
  return tally.failures.length === 0 ? 0 : 1;
}

async function canaries(values: Values, of: ScenarioName | undefined): Promise<number> {
  const only = values['only'];
  const chosen = CANARIES.filter(
    ({ name }) =>
      (only === undefined || name === only) && (of === undefined || scenarioOfCanary(name) === of),
  );
  const options = {
    threads: whole(values, 'threads', availableParallelism()),
    most: whole(values, 'runs', 20_000),
    enough: whole(values, 'catches', 5),
    wishes: wishesOf(values, of ?? 'workflow'),
  };
  return (await reportCanaries(chosen, options)) ? 0 : 1;
}

async function model(values: Values): Promise<number> {
  const sequences = whole(values, 'sequences', 2_000);
  const comparison = await compareModel({ sequences, seed: whole(values, 'seed', 1) });
  console.log(
    `${comparison.sequences} sequences, ${comparison.commands} commands, ${comparison.differences.length} differences; ${comparison.repeated} sequences were repeated, ${comparison.undecided} are undecided`,
  );
  for (const difference of comparison.differences) console.log(JSON.stringify(difference));
  return comparison.differences.length === 0 ? 0 : 1;
}
