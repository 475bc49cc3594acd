/**
 * How much there is to do in an app, as metrics: through OpenTelemetry (`observeWorkflows`), or as text for Prometheus
 * (`metricsText`), also for what scales workers. What workers do is told by telemetry.ts.
 *
 * Guarantees: an app that does not answer is left out, and the others are told of; nothing is asked between readings.
 * `metricsText` of an app that is closed rejects, as every call of it.
 */
import { display, having, MisuseError, optional, readOptions, UnavailableError } from '@holdfast/kernel';
import { Gauges, type Observed } from '@holdfast/telemetry';
import type { Meter } from '@opentelemetry/api';
import type { Demand } from './demand.js';
import type { Workflows } from './workflows.js';

/** An app that can be asked what there is to do. */
type Asked = Pick<Workflows, 'demand'>;

const gauges = new Gauges<Demand>({
  scope: '@holdfast/workflow',
  subject: { attribute: 'holdfast.workflow', label: 'workflow' },
  part: { attribute: 'holdfast.workflow.state', label: 'state' },
  gauges: [
    {
      name: 'holdfast.workflow.demand',
      unit: '{run}',
      description: 'Runs that wait for a worker, and that workers have.',
      read: ({ waiting, running }) => waiting + running,
    },
    {
      name: 'holdfast.workflow.runs',
      unit: '{run}',
      description: 'Runs in each state.',
      read: ({ waiting, running, stuck }) => ({ waiting, running, stuck }),
    },
    {
      name: 'holdfast.workflow.oldest',
      unit: 's',
      description: 'For how long the oldest run that waits has waited for a worker.',
      read: ({ oldest }) => oldest / 1_000,
    },
    {
      name: 'holdfast.workflow.unserved',
      unit: '{run}',
      description: 'Runs that wait for a build that no worker has.',
      read: ({ unserved }) => unserved,
    },
    {
      name: 'holdfast.workflow.takeovers',
      unit: '{run}',
      description: 'How often runs were taken over from workers that had died or stalled, so far.',
      read: ({ takeovers }) => takeovers,
    },
    {
      name: 'holdfast.workflow.paused',
      unit: '1',
      description: 'Whether workers get no runs: 1 if so, else 0.',
      read: ({ paused }) => (paused ? 1 : 0),
    },
  ],
});

const OBSERVE = { meter: optional(having<Meter>('createObservableGauge')) };

/** Tells of apps whenever the program's OpenTelemetry SDK reads its metrics. Returns what ends that. Throws MisuseError. */
export function observeWorkflows(
  apps: readonly Asked[],
  options: { readonly meter?: Meter } = {},
): () => void {
  const { meter } = readOptions('observeWorkflows', options, OBSERVE);
  const given = requireApps('observeWorkflows', apps);
  return gauges.observe(() => demandOf(given), meter);
}

/**
 * The same in the text format of Prometheus, for what scrapes or scales without a program of yours. Rejects with MisuseError.
 */
export async function metricsText(apps: readonly Asked[]): Promise<string> {
  const given = requireApps('metricsText', apps);
  return gauges.text(() => demandOf(given, (error) => !(error instanceof UnavailableError)));
}

function requireApps(where: string, apps: unknown): readonly Asked[] {
  if (!Array.isArray(apps)) {
    throw new MisuseError(
      `${where} takes an array of apps, as createWorkflows makes them; got ${display(apps)}.`,
    );
  }
  return apps.map(having<Asked>('demand').bind(undefined, `An app of ${where}`));
}

/** Throws what an app rejects with if `isFatal` says so. */
async function demandOf(
  apps: readonly Asked[],
  isFatal: (error: unknown) => boolean = () => false,
): Promise<Observed<Demand>[]> {
  const settled = await Promise.allSettled(apps.map((app) => app.demand()));
  for (const one of settled) if (one.status === 'rejected' && isFatal(one.reason)) throw one.reason;
  return settled.flatMap((one) =>
    one.status === 'fulfilled' ? Object.entries(one.value).map(([name, state]) => ({ name, state })) : [],
  );
}
