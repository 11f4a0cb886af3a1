import type {
  AnswerEvent,
  ClaimReport,
  Estimate,
  Evidence,
  Hit,
  Problem,
  Reading,
  Source,
  SpaceSettings,
  StoredAnswer,
  WhyNot,
} from '../api';

/* A small server in memory for the tests of the panes: one source, one brief, one question. */

export const VERSION = 'ab'.repeat(32);
export const QUOTE = 'Revenue 📈 grew 12 % in 2025';
const TEXT = `Study\n${QUOTE}, and costs fell.`;
const START = Array.from('Study\n').length;
const END = START + Array.from(QUOTE).length;

export const EVIDENCE: Evidence = {
  id: 'cit_1',
  source: 'src_1',
  source_title: 'study.pdf',
  version: VERSION,
  version_number: 1,
  page: 14,
  start: START,
  end: END,
  quote: QUOTE,
  quote_hash: 'hash',
  state: 'current',
  created_at: '2026-01-01T10:00:00Z',
  answer: 'ans_1',
};

export const HIT: Hit = {
  passage: {
    id: 'src_1.abababababab.00001',
    source: 'src_1',
    source_title: 'study.pdf',
    version: VERSION,
    page: 14,
    start: START,
    end: END,
    text: QUOTE,
    headings: ['Study'],
  },
  score: 0.0325,
  contributions: [
    { leg: 'bm25', rank: 2, score: 9, amount: 0.0161, part: 0 },
    { leg: 'dense', rank: 1, score: 0.8, amount: 0.0164, part: 0 },
  ],
  matched: ['revenue'],
  paths: ['Acme — co-occurs with → Bolt, 1 passage'],
  elsewhere: [],
  reranked: null,
};

export const SOURCES: Source[] = [
  {
    id: 'src_1',
    space: 'spc_1',
    title: 'study.pdf',
    path: 'papers/study.pdf',
    media_type: 'application/pdf',
    state: 'ready',
    searchable: true,
    progress: null,
    version: { hash: VERSION, number: 1, bytes: 1200, created_at: '2026-01-01T10:00:00Z' },
    versions: 1,
    receipt: {
      format: 'PDF',
      pages: 22,
      passages: 61,
      characters: 5400,
      seconds: 1.2,
      language: 'en',
      skipped: [],
      warnings: [],
    },
    error: null,
    used_in_claims: 1,
    created_at: '2026-01-01T10:00:00Z',
    updated_at: '2026-01-01T10:00:00Z',
  },
  {
    id: 'src_2',
    space: 'spc_1',
    title: 'locked.pdf',
    path: 'locked.pdf',
    media_type: 'application/pdf',
    state: 'failed',
    searchable: false,
    progress: null,
    version: null,
    versions: 0,
    receipt: null,
    error: {
      code: 'encrypted',
      message: 'locked.pdf is protected by a password.',
      remedy: 'Save it without the password and add it again.',
    },
    used_in_claims: 0,
    created_at: '2026-01-01T10:00:00Z',
    updated_at: '2026-01-01T10:00:00Z',
  },
];

const REPORT: ClaimReport = {
  claims: [
    {
      hash: 'h0',
      block: 'b0',
      text: 'Revenue grew 12 % in 2025.',
      cites: ['cit_1'],
      verdict: 'supported',
      reason: 'All figures are in the quote.',
      evidence: [{ cite: 'cit_1', score: 0.9 }],
      order: 0,
    },
    {
      hash: 'h1',
      block: 'b1',
      text: 'We lead the market.',
      cites: [],
      verdict: 'unsupported',
      reason: 'No citation.',
      evidence: [],
      order: 1,
    },
  ],
  coverage: { claims: 2, cited: 1, supported: 1, partial: 0, unsupported: 1, stale: 0, opinion: 0 },
  checked_at: '2026-01-01T10:42:00Z',
  method: 'lexical',
  updated: false,
  unchecked: 0,
};

const ESTIMATE: Estimate = {
  model: 'extractive',
  kind: 'extractive',
  sources: 1,
  passages: 61,
  seconds: 0.1,
  cost_usd: 0,
  budget_usd: null,
};

const READING: Reading = {
  source: 'src_1',
  title: 'study.pdf',
  version: VERSION,
  number: 1,
  current: true,
  media_type: 'application/pdf',
  page: 14,
  pages: 22,
  segments: [
    { start: 0, page: 14, heading: 1, kind: 'heading', text: 'Study' },
    { start: START, page: 14, heading: null, kind: 'paragraph', text: TEXT.slice(6) },
  ],
  start: START,
  end: END,
  quote: QUOTE,
  placed: true,
  window: { start: 0, end: Array.from(TEXT).length, total: Array.from(TEXT).length },
};

const TRACE = {
  legs: [
    { leg: 'bm25', state: 'ok', milliseconds: 1, found: 3, error: null },
    { leg: 'dense', state: 'failed', milliseconds: 0, found: 0, error: 'index is gone' },
  ],
  fusion: 'rrf',
  stages: {},
  understood: null,
  rerank: null,
};

export const ANSWER: AnswerEvent[] = [
  {
    type: 'started',
    answer: 'ans_1',
    question: 'How fast?',
    model: 'extractive',
    kind: 'extractive',
    scope: { sources: 1, passages: 61 },
  },
  { type: 'retrieved', hits: [HIT], trace: TRACE },
  { type: 'sentence', index: 0, text: 'Revenue grew 12 % in 2025.' },
  { type: 'cited', index: 0, evidence: EVIDENCE, passage: HIT.passage.id },
  { type: 'finished', answer: 'ans_1', state: 'finished', uncited: [], usage: null, timings: {} },
];

/** The same for a question with "fsat", which was taken for "fast". */
export function corrected(events: readonly AnswerEvent[]): AnswerEvent[] {
  const understood = {
    text: 'How fast fsat?',
    phrases: [],
    preferred: [],
    filters: [],
    parts: [],
    note: '',
    corrections: [{ written: 'fsat', searched: 'fast' }],
    unchecked: '',
  };
  return events.map((event) => {
    if (event.type === 'started') return { ...event, question: 'How fsat?' };
    if (event.type === 'retrieved') return { ...event, trace: { ...event.trace, understood } };
    return event;
  });
}

export const DECLINED: AnswerEvent[] = [
  ...ANSWER.slice(0, 2),
  {
    type: 'declined',
    answer: 'ans_1',
    reason: 'No passage is close enough.',
    searched: { legs: ['bm25'], sources: 1, passages: 61 },
    nearest: [HIT],
  },
];

const STORED: StoredAnswer = {
  id: 'ans_1',
  question: 'How fast?',
  sources: null,
  kind: 'extractive',
  model: 'extractive',
  state: 'finished',
  created_at: '2026-01-01T10:00:00Z',
  hits: [HIT],
  trace: TRACE,
  sentences: [],
  uncited: [],
  notices: [],
  usage: null,
  timings: {},
  reason: null,
  error: null,
};

const WHY_NOT: WhyNot = {
  passage: 'src_1.abababababab.00007',
  reason: 'below',
  message: 'It ranks 9 after fusion; 1 are shown, the last with 0.0325. Its score is 0.0100.',
  legs: [
    { leg: 'bm25', state: 'ok', rank: 140, score: 2, asked: 1000, cut: 100, error: null },
    {
      leg: 'dense',
      state: 'failed',
      rank: null,
      score: null,
      asked: 1000,
      cut: 100,
      error: 'gone',
    },
  ],
  rank: 9,
  score: 0.01,
  last: 0.0325,
  within: null,
  language: null,
};

const SETTINGS: SpaceSettings = {
  fusion: { kind: 'rrf', k: 30, weights: { dense: 2 } },
  default: { kind: 'rrf', k: 5, weights: {} },
  legs: ['bm25', 'dense'],
};

export interface FakeApi {
  fetch: typeof fetch;
  /** Every request as "METHOD path". */
  asked: string[];
  /** What evidence was asked to be made of. */
  cited: unknown[];
  answer: AnswerEvent[];
  reading: Reading;
  /** What was put as a space's settings. */
  settings: unknown[];
  /** What is said of the next question; null where it is answered. */
  refused: Problem | null;
  whyNot: WhyNot;
  /** A check of claims as it comes; null where it is over at once. */
  check: ReadableStream<Uint8Array> | null;
  report: ClaimReport;
}

export function fakeApi(): FakeApi {
  const api: FakeApi = {
    asked: [],
    cited: [],
    settings: [],
    refused: null,
    whyNot: WHY_NOT,
    answer: ANSWER,
    reading: READING,
    check: null,
    report: REPORT,
    fetch: (input, init) => {
      const url = new URL(input instanceof Request ? input.url : String(input), 'http://localhost');
      const method = init?.method ?? 'GET';
      api.asked.push(`${method} ${url.pathname}${url.search}`);
      if (method === 'POST' && url.pathname === '/api/evidence' && typeof init?.body === 'string')
        api.cited.push(JSON.parse(init.body));
      if (method === 'PUT' && typeof init?.body === 'string')
        api.settings.push(JSON.parse(init.body));
      return Promise.resolve(closing(respond(api, method, url), init?.signal ?? null));
    },
  };
  return api;
}

/** A response whose body fails once its request is aborted, as a browser's does. */
function closing(response: Response, signal: AbortSignal | null): Response {
  if (!signal || !response.body) return response;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  response.body.pipeTo(writable, { signal }).catch(() => undefined);
  return new Response(readable, response);
}

function respond(api: FakeApi, method: string, url: URL): Response {
  const path = url.pathname;
  if (method === 'POST' && path.endsWith('/answers')) {
    if (api.refused) return Response.json({ error: api.refused }, { status: 422 });
    return new Response(
      api.answer
        .map(({ type, ...data }) => `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
        .join(''),
      { headers: { 'content-type': 'text/event-stream' } },
    );
  }
  if (method === 'POST' && path === '/api/evidence') {
    return Response.json({ ...EVIDENCE, id: 'cit_new' });
  }
  if (method === 'POST' && path.endsWith('/replay')) {
    return Response.json({ answer: 'ans_2', identical: true, differences: [] });
  }
  if (path.endsWith('/sources')) return Response.json(SOURCES);
  if (path.endsWith('/answers')) return Response.json([]);
  if (path.endsWith('/estimate')) return Response.json(ESTIMATE);
  if (path.endsWith('/search/why-not')) return Response.json(api.whyNot);
  if (path.endsWith('/settings')) return Response.json(SETTINGS);
  if (path.endsWith('/search')) return Response.json({ hits: [HIT], trace: TRACE });
  if (path.endsWith('/claims')) return Response.json(api.report);
  if (path.endsWith('/claims/check')) {
    const checked = `event: checked\ndata: ${JSON.stringify(api.report)}\n\n`;
    return new Response(api.check ?? checked, { headers: { 'content-type': 'text/event-stream' } });
  }
  if (path.endsWith('/targets')) return Response.json([]);
  if (path.endsWith('/reader')) return Response.json(api.reading);
  if (path.endsWith('/uses')) {
    return Response.json([{ brief: 'brf_1', title: 'Q3 market entry', claims: 1 }]);
  }
  if (path === '/api/answers/ans_1') return Response.json(STORED);
  if (path === '/api/evidence')
    return Response.json({ evidence: { cit_1: EVIDENCE }, missing: [] });
  return Response.json(
    { error: { code: 'not_found', message: `No ${path}.`, remedy: null } },
    { status: 404 },
  );
}
