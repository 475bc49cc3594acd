/**
 * Alerts and dashboards ask for metrics that there are. With `npm run test:full`: the alerts fire when they should, by
 * promtool, and every query of the dashboards has an answer from a Prometheus that scrapes what the packages say.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { debianProgram } from '../../scripts/others.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
const FILES = join(ROOT, 'deploy/helm/holdfast/files');
const ALERTS = readFileSync(join(FILES, 'alerts.yaml'), 'utf8');
const DASHBOARD: Dashboard = JSON.parse(readFileSync(join(FILES, 'dashboards/holdfast.json'), 'utf8'));
const ISSUED = readFileSync(join(ROOT, 'docs/OBSERVABILITY.md'), 'utf8');

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

/** Of Prometheus. */
interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

const queries = DASHBOARD.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** The names under which Prometheus may have what the page tells of; which of them are counters, only a server tells. */
const issued = new Set(
  [...ISSUED.matchAll(/`((?:holdfast|http)[._][a-z._]+)`/g)].flatMap(([, name = '']) =>
    ['', '_seconds'].flatMap((unit) =>
      ['', '_total', '_bucket', '_count'].map((suffix) => name.replaceAll('.', '_') + unit + suffix),
    ),
  ),
);

it('the dashboard is what its script makes, with an id for each panel', () => {
  const before = JSON.stringify(DASHBOARD, null, 2);
  execFileSync(process.execPath, [join(ROOT, 'deploy/grafana/make.mjs')]);
  expect(readFileSync(join(FILES, 'dashboards/holdfast.json'), 'utf8')).toBe(`${before}\n`);
  const ids = DASHBOARD.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

it('every metric that alerts and dashboards ask for is one of OBSERVABILITY.md', () => {
  const expressions = [...ALERTS.matchAll(/^ +expr: (>-\n(?: {10}.*\n)+|.*)/gm)].map(([, text = '']) => text);
  expect(expressions).toHaveLength(17);
  const asked = [...expressions, ...queries].flatMap(
    (text) => text.match(/\b(holdfast|http)_\w+(?=[{[)\s]|$)/g) ?? [],
  );
  const labels =
    /^(holdfast_(deployment|lock_kind|fence_\w+|vectors_index)|http_(route|response_status_code))$/;
  const names = asked.filter((name) => issued.has(name) || !labels.test(name));
  expect(names.length).toBeGreaterThan(40);
  expect(names.filter((name) => !issued.has(name))).toEqual([]);
});

if (process.env['HOLDFAST_TESTS'] === 'deploy') {
  describe('with Prometheus', () => {
    let folder = '';
    const ends: (() => unknown)[] = [];
    let nodes: LocalNodes;
    let data: LocalNodes;

    beforeAll(async () => {
      debianProgram('prometheus');
      folder = mkdtempSync(join(tmpdir(), 'holdfast-prometheus-'));
      [nodes, data] = await Promise.all([startNodes(3), startNodes(1)]);
      ends.push(
        () => nodes.stop(),
        () => data.stop(),
      );
    });
    afterAll(async () => {
      for (const end of ends.reverse()) await end();
      rmSync(folder, { recursive: true, force: true });
    });

    it('the alerts fire when they should', () => {
      execFileSync('promtool', ['check', 'rules', join(FILES, 'alerts.yaml')]);
      const output = execFileSync('promtool', ['test', 'rules', join(ROOT, 'deploy/test/alerts.test.yaml')]);
      expect(String(output)).toContain('SUCCESS');
    });

    it('every query of the dashboard has an answer, and a worker is wanted for what waits', async () => {
      const { producing } = await import('./producing.js'); // all packages, which only this test needs
      const { endpoints, server } = await producing(nodes.urls, data.urls[0] ?? '', ends);
      const headers = { 'content-type': 'application/json' };
      const add = () =>
        fetch(`${server}/v1/queues/images/tasks`, { method: 'POST', headers, body: '{"data":1}' });
      expect((await add()).status).toBe(201);
      const url = await startPrometheus(endpoints);
      const ask = async (query: string): Promise<number[]> => {
        const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
        const { status, error, data: found } = (await answer.json()) as Answer;
        expect(status, `${query}: ${error}`).toBe('success');
        return found.result.map(({ value }) => Number(value[1]));
      };
      for (const expr of queries) {
        const query = expr.replaceAll(/\$__(rate_interval|range)/g, '30s');
        const answer = async () => {
          await add(); // so that rates have something to tell
          return (await ask(query)).length;
        };
        await expect.poll(answer, { timeout: 30_000, interval: 500, message: query }).toBeGreaterThan(0);
      }
      const waiting = await ask(
        'sum(max by (queue, state) (holdfast_queue_tasks{queue=~"images([.][0-9]+)?",state=~"waiting|active"}))',
      );
      expect(waiting[0]).toBeGreaterThan(1);
    }, 240_000);

    async function startPrometheus(ports: readonly number[]): Promise<string> {
      const targets = ports.map((port) => `"127.0.0.1:${port}"`).join(', ');
      const configuration = `
global: { scrape_interval: 1s, evaluation_interval: 1s }
scrape_configs: [{ job_name: holdfast, static_configs: [{ targets: [${targets}] }] }]
`;
      writeFileSync(join(folder, 'prometheus.yml'), configuration);
      const port = 20_000 + (process.pid % 20_000);
      const args = [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ];
      const server = spawn('prometheus', args, { stdio: 'ignore' });
      ends.push(async () => {
        const ended = once(server, 'exit');
        server.kill('SIGTERM');
        await ended;
      });
      const ready = () => fetch(`http://127.0.0.1:${port}/-/ready`).then(({ status }) => status, String);
      await expect.poll(ready).toBe(200);
      return `http://127.0.0.1:${port}`;
    }
  });
}
