/**
 * Writes the dashboard of Grafana that the chart ships: `node deploy/grafana/make.mjs`.
 *
 * Guarantees: the same text every time. A query that counts what seldom happens gives 0 where it has not happened, so an
 * empty panel means that nothing is scraped.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = join(import.meta.dirname, '../helm/holdfast/files/dashboards/holdfast.json');

/** Of a histogram, by its labels. */
const p99 = (histogram, by = []) =>
  `histogram_quantile(0.99, sum by (${['le', ...by].join(', ')}) (rate(${histogram}_bucket[$__rate_interval])))`;
const perSecond = (counter, by) => `sum by (${by}) (rate(${counter}[$__rate_interval]))`;
const seldom = (counter, by) => `sum by (${by}) (increase(${counter}[$__range])) or vector(0)`;
/** Every process tells the same state of Redis. */
const state = (gauge, by) => `max by (${by}) (${gauge})`;

/** Title, unit, and pairs of query and legend. */
const ROWS = {
  Locks: [
    [
      'Leases a second',
      'ops',
      [
        perSecond('holdfast_lock_acquire_duration_seconds_count', 'holdfast_lock_kind'),
        '{{holdfast_lock_kind}}',
      ],
    ],
    [
      'Acquire, p99',
      's',
      [p99('holdfast_lock_acquire_duration_seconds'), 'acquire'],
      [p99('holdfast_lock_wait_duration_seconds'), 'wait'],
    ],
    [
      'Held and waiting',
      'short',
      ['sum(holdfast_lock_held)', 'held'],
      ['sum(holdfast_lock_waiters) or vector(0)', 'waiting'],
    ],
    [
      'Lost and refused',
      'short',
      [seldom('holdfast_lock_lost_total', 'holdfast_deployment'), 'leases lost'],
      [seldom('holdfast_fence_refused_total', 'holdfast_fence_reason'), 'refused {{holdfast_fence_reason}}'],
    ],
  ],
  Queues: [
    ['Tasks', 'short', [state('holdfast_queue_tasks', 'queue, state'), '{{queue}} {{state}}']],
    [
      'Done a second',
      'ops',
      [`max by (queue) (rate(holdfast_queue_completed_total[$__rate_interval]))`, '{{queue}} completed'],
      [`max by (queue) (rate(holdfast_queue_failed_total[$__rate_interval]))`, '{{queue}} dead'],
    ],
    ['Latency, p99', 's', [p99('holdfast_queue_latency_seconds', ['queue']), '{{queue}}']],
    [
      'Oldest waiting, workers',
      'short',
      [state('holdfast_queue_oldest_seconds', 'queue'), '{{queue}} oldest, s'],
      [state('holdfast_queue_workers', 'queue'), '{{queue}} workers'],
    ],
  ],
  Workflows: [
    ['Runs', 'short', [state('holdfast_workflow_runs', 'workflow, state'), '{{workflow}} {{state}}']],
    [
      'Demand',
      'short',
      [state('holdfast_workflow_demand', 'workflow'), '{{workflow}}'],
      [state('holdfast_workflow_unserved', 'workflow'), '{{workflow}} unserved'],
    ],
    ['Oldest waiting', 's', [state('holdfast_workflow_oldest_seconds', 'workflow'), '{{workflow}}']],
    [
      'Takeovers and refused writes',
      'short',
      ['max by (workflow) (delta(holdfast_workflow_takeovers[$__range]))', '{{workflow}} takeovers'],
      [seldom('holdfast_workflow_refused_total', 'workflow'), 'refused'],
    ],
  ],
  'Features and search': [
    ['Freshness', 's', [state('holdfast_features_freshness_seconds', 'store, view'), '{{store}} {{view}}']],
    ['Rows', 'short', [state('holdfast_features_rows', 'store, view'), '{{store}} {{view}}']],
    [
      'Search, p99',
      's',
      [
        p99('holdfast_vectors_search_duration_seconds', ['holdfast_vectors_index']),
        '{{holdfast_vectors_index}}',
      ],
    ],
    [
      'Documents, behind',
      'short',
      [state('holdfast_vectors_documents', 'index'), '{{index}}'],
      [state('holdfast_vectors_behind', 'index'), '{{index}} behind'],
    ],
  ],
  Server: [
    [
      'Requests a second',
      'reqps',
      [
        perSecond('http_server_request_duration_seconds_count', 'http_route, http_response_status_code'),
        '{{http_route}} {{http_response_status_code}}',
      ],
    ],
    ['Requests, p99', 's', [p99('http_server_request_duration_seconds', ['http_route']), '{{http_route}}']],
  ],
};

// biome-ignore lint/suspicious/noTemplateCurlyInString: it is a variable of Grafana's.
const datasource = { type: 'prometheus', uid: '${source}' };
const panels = [];
let y = 0;
for (const [title, charts] of Object.entries(ROWS)) {
  panels.push({
    id: panels.length + 1,
    type: 'row',
    title,
    collapsed: false,
    panels: [],
    gridPos: { x: 0, y, w: 24, h: 1 },
  });
  y += 1;
  charts.forEach(([name, unit, ...queries], index) => {
    panels.push({
      id: panels.length + 1,
      type: 'timeseries',
      title: name,
      datasource,
      gridPos: { x: index * 6, y, w: 6, h: 8 },
      fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
      options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
      targets: queries.map(([expr, legendFormat], number) => ({
        refId: 'ABCD'[number],
        datasource,
        expr,
        legendFormat,
      })),
    });
  });
  y += 8;
}

const dashboard = {
  uid: 'holdfast',
  title: 'Holdfast',
  tags: ['holdfast'],
  schemaVersion: 39,
  version: 1,
  editable: true,
  refresh: '15s',
  time: { from: 'now-1h', to: 'now' },
  templating: {
    list: [{ name: 'source', label: 'Prometheus', type: 'datasource', query: 'prometheus', current: {} }],
  },
  annotations: { list: [] },
  panels,
};
writeFileSync(FILE, `${JSON.stringify(dashboard, null, 2)}\n`);
