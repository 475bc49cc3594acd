/**
 * The dashboard. The main path: the address says which page is shown (router.ts), a page shows what the server's operations
 * answer, live (live.ts), and calls them for what it changes (parts/dialogs.tsx).
 */
import './style/base.css';
import type { ComponentChildren } from 'preact';
import { render } from 'preact';
import { FeaturesPage, StorePage } from './pages/features.js';
import { IndexPage } from './pages/index-page.js';
import { LockPage } from './pages/lock.js';
import { LocksPage } from './pages/locks.js';
import { NodesPage } from './pages/nodes.js';
import { OverviewPage } from './pages/overview.js';
import { QueuePage } from './pages/queue.js';
import { QueuesPage } from './pages/queues.js';
import { RunPage } from './pages/run.js';
import { SettingsPage } from './pages/settings.js';
import { SignInPage } from './pages/sign-in.js';
import { TaskPage } from './pages/task.js';
import { VectorsPage } from './pages/vectors.js';
import { ViewPage } from './pages/view.js';
import { WorkflowPage } from './pages/workflow.js';
import { WorkflowsPage } from './pages/workflows.js';
import { Dialogs } from './parts/dialogs.js';
import { Empty, Head, Refused } from './parts/layout.js';
import { type Entry, Shell } from './parts/shell.js';
import { listen, match, path, query } from './router.js';
import { readSession, refusal, session } from './session.js';

type Page = (names: Readonly<Record<string, string>>) => ComponentChildren;

const PAGES: readonly (readonly [string, Page])[] = [
  ['/', () => <OverviewPage />],
  ['/queues', () => <QueuesPage />],
  ['/queues/:queue', ({ queue = '' }) => <QueuePage key={queue} queue={queue} />],
  ['/queues/:queue/tasks/:id', ({ queue = '', id = '' }) => <TaskPage key={id} queue={queue} id={id} />],
  ['/locks', () => <LocksPage />],
  ['/locks/:name', ({ name = '' }) => <LockPage key={name} name={name} />],
  ['/nodes', () => <NodesPage />],
  ['/workflows', () => <WorkflowsPage />],
  ['/workflows/:workflow', ({ workflow = '' }) => <WorkflowPage key={workflow} workflow={workflow} />],
  ['/workflows/:workflow/runs/:id', (names) => <RunAt {...names} />],
  ['/features', () => <FeaturesPage />],
  ['/features/:store', ({ store = '' }) => <StorePage key={store} store={store} />],
  [
    '/features/:store/:view',
    ({ store = '', view = '' }) => <ViewPage key={view} store={store} view={view} />,
  ],
  ['/vectors', () => <VectorsPage />],
  ['/vectors/:index', ({ index = '' }) => <IndexPage key={index} index={index} />],
  ['/settings', () => <SettingsPage />],
];

/** A run that has a key is known by both. */
function RunAt({ workflow = '', id = '' }: { readonly workflow?: string; readonly id?: string }) {
  const key = query.value.get('key') ?? undefined;
  const run = { workflow, id, ...(key !== undefined && { key }) };
  return <RunPage key={JSON.stringify(run)} run={run} />;
}

const ENTRIES: readonly Entry[] = [
  { name: 'Overview', to: '/' },
  { name: 'Nodes', to: '/nodes' },
  { name: 'Locks', to: '/locks' },
  { name: 'Queues', to: '/queues' },
  { name: 'Workflows', to: '/workflows' },
  { name: 'Features', to: '/features' },
  { name: 'Vectors', to: '/vectors' },
  { name: 'Settings', to: '/settings' },
];

function pageAt(at: string): ComponentChildren {
  for (const [pattern, page] of PAGES) {
    const names = match(pattern, at);
    if (names) return page(names);
  }
  return (
    <>
      <Head name="Not found" verdict="There is no such page" />
      <Empty why="The address leads nowhere: it may be of another version. Begin at the overview." />
    </>
  );
}

/** Nothing is asked for before it is known whose eyes these are. */
function shown(): ComponentChildren {
  if (session.value) return pageAt(path.value);
  if (refusal.value?.status === 401) return <SignInPage />;
  return refusal.value && <Refused problem={refusal.value} />;
}

function App() {
  return (
    <>
      <Shell entries={session.value ? ENTRIES : []}>{shown()}</Shell>
      <Dialogs />
    </>
  );
}

listen();
void readSession();
render(<App />, document.getElementById('app') as HTMLElement);
