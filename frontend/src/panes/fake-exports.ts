import type {
  Connection,
  Counts,
  LedgerItem,
  Listening,
  MappingChoice,
  Outcome,
  PlaceFound,
  Plan,
  PlanItem,
  Run,
  Target,
} from '../exports';
import type { Problem } from '../api';

/* A small server in memory for the tests of Ship: one brief, its targets, one Jira. */

export const AT = '2026-03-06T10:00:00Z';

export function target(change: Partial<Target> = {}): Target {
  return {
    id: 'tgt_1',
    kind: 'jira',
    name: 'Growth',
    connection: 'con_1',
    reconnect: false,
    where: { project: 'GRO' },
    mapping: {},
    remember: 'brief',
    url: 'https://acme.atlassian.net/browse/GRO-1',
    changes: 0,
    drift: { drift: 0, conflicts: 0, astray: 0 },
    statuses: [],
    looked_at: AT,
    trouble: null,
    exported_at: AT,
    exported_by: 'Ann',
    run: null,
    ...change,
  };
}

export function run(change: Partial<Run> = {}): Run {
  return {
    id: 'run_1',
    state: 'running',
    stopping: false,
    actor: 'Ann',
    started_at: AT,
    ended_at: null,
    checksum: 'sum_1',
    counts: {},
    total: 12,
    done: 3,
    wait_until: null,
    trouble: null,
    outcomes: [],
    ...change,
  };
}

export function item(change: Partial<PlanItem> & Pick<PlanItem, 'key'>): PlanItem {
  return {
    kind: 'issue',
    title: 'Ask the dealers',
    change: 'update',
    url: '',
    parts: [],
    standing: 'live',
    where: '',
    ways: [],
    note: '',
    ...change,
  };
}

const COUNTS: Counts = {
  create: 1,
  update: 1,
  archive: 0,
  keep: 1,
  drift: 0,
  conflict: 1,
  astray: 0,
  writes: 2,
  reads: 3,
};

export const PLAN: Plan = {
  checksum: 'sum_1',
  target: 'tgt_1',
  brief: 'brf_1',
  counts: COUNTS,
  seconds: 3.2,
  archives_limit: 10,
  needs_yes: false,
  losses: [{ key: 'b1', what: 'Underlined words are shown without the line.' }],
  items: [
    item({
      key: 'b1',
      title: 'Call **them**',
      change: 'create',
      parts: [
        {
          part: 'description',
          label: 'Description',
          change: 'send',
          base: '',
          ours: 'Call **all** of [them](https://acme.test/list)\n\n- first\n- second',
          theirs: '',
          theirs_value: null,
        },
      ],
    }),
    item({
      key: 'b2',
      url: 'https://acme.atlassian.net/browse/GRO-2',
      change: 'conflict',
      parts: [
        {
          part: 'summary',
          label: 'Summary',
          change: 'conflict',
          base: 'Ask the dealers',
          ours: 'Ask all the dealers',
          theirs: 'Ask the dealers twice',
          theirs_value: 'Ask the dealers twice',
        },
        {
          part: 'due',
          label: 'Due date',
          change: 'send',
          base: '2026-03-06',
          ours: '2026-04-01',
          theirs: '2026-03-06',
          theirs_value: '2026-03-06',
        },
      ],
    }),
    item({
      key: 'b3',
      title: 'Count them',
      change: 'keep',
      parts: [
        {
          part: 'summary',
          label: 'Summary',
          change: 'keep',
          base: 'Count them',
          ours: 'Count them',
          theirs: 'Count them',
          theirs_value: 'Count them',
        },
      ],
    }),
  ],
  steps: [
    {
      id: 's1',
      op: 'create',
      keys: ['b1'],
      method: 'POST',
      path: '/rest/api/3/issue',
      body: '{"fields":{"summary":"Call é"}}',
    },
    {
      id: 's2',
      op: 'update',
      keys: ['b2'],
      method: 'PUT',
      path: '/rest/api/3/issue/10002',
      body: '{"fields":{"duedate":"2026-04-01"}}',
    },
  ],
};

export const CONNECTION: Connection = {
  id: 'con_1',
  kind: 'jira',
  name: 'acme.atlassian.net',
  account: 'Ann at Acme',
  url: '',
  method: 'token',
  scopes: [],
  created_at: AT,
  state: 'ok',
  trouble: '',
};

const CHOICES: MappingChoice[] = [
  {
    key: 'type',
    label: 'Type of the issues',
    kind: 'select',
    options: [
      { id: '1', name: 'Task' },
      { id: '2', name: 'Story' },
    ],
    default: '1',
    help: 'Sub-tasks have a parent of their own.',
    rows: [],
  },
  {
    key: 'evidence',
    label: 'Add the evidence',
    kind: 'flag',
    options: [],
    default: true,
    help: '',
    rows: [],
  },
  {
    key: 'statuses',
    label: 'Statuses',
    kind: 'map',
    options: [
      { id: 't', name: 'To do' },
      { id: 'd', name: 'Finished' },
    ],
    default: { open: 't', done: 'd' },
    help: '',
    rows: [
      { id: 'open', name: 'Open' },
      { id: 'done', name: 'Done' },
    ],
  },
];

const PLACES: PlaceFound[] = [
  { name: 'Growth', where: { project: 'GRO' }, kind_name: 'Project', url: '' },
  { name: 'Operations', where: { project: 'OPS' }, kind_name: 'Project', url: '' },
];

export interface FakeExports {
  role: string;
  targets: Target[];
  plan: Plan;
  ledger: LedgerItem[];
  /** What became of each call of an export. */
  outcomes: Outcome[];
  connections: Connection[];
  /** Whether Jira may be signed in to. */
  signsIn: boolean;
  listening: Listening;
  /** Every request as "METHOD path". */
  asked: string[];
  /** What was sent, as parsed. */
  sent: unknown[];
  /** What is said of the next request that changes something; null where it is done. */
  refused: Problem | null;
  fetch: typeof fetch;
}

export function fakeExports(): FakeExports {
  const api: FakeExports = {
    role: 'admin',
    targets: [],
    plan: PLAN,
    ledger: [],
    outcomes: [],
    connections: [],
    signsIn: false,
    listening: { url: '', by_hand: false, heard: false, watching: [], secret: '' },
    asked: [],
    sent: [],
    refused: null,
    fetch: (input, init) => {
      const url = new URL(input instanceof Request ? input.url : String(input), 'http://localhost');
      const method = init?.method ?? 'GET';
      const body: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : null;
      api.asked.push(`${method} ${url.pathname}${url.search}`);
      if (body) api.sent.push(body);
      return Promise.resolve(respond(api, method, url, body));
    },
  };
  return api;
}

function respond(api: FakeExports, method: string, url: URL, body: unknown): Response {
  const path = url.pathname;
  const said = (body ?? {}) as Partial<Target> & { kind?: string };
  if (api.refused && method !== 'GET') {
    const error = api.refused;
    api.refused = null;
    return Response.json({ error }, { status: 409 });
  }
  const on = (id: string, change: Partial<Target>) => {
    api.targets = api.targets.map((one) => (one.id === id ? { ...one, ...change } : one));
  };
  if (path === '/api/spaces') return Response.json([{ id: 'spc_1', role: api.role }]);
  if (path === '/api/spaces/spc_1/connections') {
    if (method === 'GET') return Response.json(api.connections);
    api.connections = [CONNECTION];
    return Response.json(CONNECTION, { status: 201 });
  }
  if (path.endsWith('/ways'))
    return Response.json([{ kind: 'jira', sign_in: api.signsIn, scopes: ['read:jira-work'] }]);
  if (path.endsWith('/sign-in')) return Response.json({ url: 'https://auth.test/authorize' });
  if (path.endsWith('/hook')) return Response.json(api.listening);
  if (path.endsWith('/places'))
    return Response.json(
      PLACES.filter(({ name }) => name.includes(url.searchParams.get('q') ?? '')),
    );
  if (path.endsWith('/choices')) return Response.json(CHOICES);
  if (path.endsWith('/targets') && method === 'POST') {
    const added = target({ ...said, changes: null, exported_at: null, exported_by: null, url: '' });
    api.targets = [...api.targets, added];
    return Response.json(added, { status: 201 });
  }
  if (path.endsWith('/targets')) return Response.json(api.targets);
  const [, id = '', rest = ''] = /\/targets\/([^/]+)\/?(.*)$/.exec(path) ?? [];
  if (method === 'DELETE') {
    api.targets = api.targets.filter((one) => one.id !== id);
    return new Response(null, { status: 204 });
  }
  if (method === 'PATCH') {
    on(id, said);
    return Response.json(api.targets.find((one) => one.id === id));
  }
  if (rest === 'plan') return Response.json(api.plan);
  if (rest === 'ledger') return Response.json(api.ledger);
  if (rest === 'decisions') return new Response(null, { status: 204 });
  if (rest === 'look') return new Response(null, { status: 202 });
  if (rest.startsWith('runs') && method === 'GET') {
    const { run: latest } = api.targets.find((one) => one.id === id) ?? {};
    return Response.json(
      rest === 'runs' ? [latest].filter(Boolean) : { ...latest, outcomes: api.outcomes },
    );
  }
  if (rest === 'runs' || rest.endsWith('/resume') || rest.endsWith('/cancel')) {
    const next = run(rest.endsWith('/cancel') ? { state: 'cancelled' } : {});
    on(id, { run: next });
    return Response.json(next);
  }
  return Response.json(
    { error: { code: 'not_found', message: `No ${path}.`, remedy: null } },
    { status: 404 },
  );
}
