/** The values of the HTTP API, named as the server names them. Times are ISO 8601 in UTC; offsets count code points. */

export interface Health {
  status: 'ok' | 'degraded';
  version: string;
  ports: Port[];
}

export interface Port {
  port: string;
  setting: string;
  url: string;
  implementation: string;
  ok: boolean;
  detail: string | null;
  remedy: string | null;
}

export interface Me {
  subject: string;
  name: string;
  tenant: string;
  roles: string[];
  auth: string;
}

export interface Space {
  id: string;
  name: string;
  role: string;
  sources: number;
  passages: number;
  briefs: number;
  sample: boolean;
}

export interface Problem {
  code: string;
  message: string;
  remedy: string | null;
}

export type SourceState = 'queued' | 'reading' | 'indexing' | 'ready' | 'failed' | 'cancelled';

export interface Version {
  hash: string;
  number: number;
  bytes: number;
  created_at: string;
}

export interface VersionRow extends Version {
  current: boolean;
}

export interface Receipt {
  format: string;
  pages: number | null;
  passages: number;
  characters: number;
  seconds: number;
  language: string | null;
  skipped: { where: string; why: string }[];
  warnings: string[];
}

export interface Source {
  id: string;
  space: string;
  title: string;
  path: string;
  media_type: string;
  state: SourceState;
  searchable: boolean;
  progress: { stage: string; done: number; total: number } | null;
  version: Version | null;
  versions: number;
  receipt: Receipt | null;
  error: Problem | null;
  used_in_claims: number;
  created_at: string;
  updated_at: string;
}

export interface SourceUse {
  brief: string;
  title: string;
  claims: number;
}

export type SegmentKind = 'heading' | 'paragraph' | 'list_item' | 'table_row' | 'code';

export interface Segment {
  start: number;
  page: number | null;
  heading: number | null;
  kind: SegmentKind;
  text: string;
}

export interface Reading {
  source: string;
  title: string;
  version: string;
  number: number;
  current: boolean;
  media_type: string;
  page: number | null;
  pages: number | null;
  segments: Segment[];
  start: number;
  end: number;
  quote: string;
  placed: boolean;
  window: { start: number; end: number; total: number };
}

export interface PageBoxes {
  width: number;
  height: number;
  boxes: { x: number; y: number; w: number; h: number }[];
}

export type EvidenceState = 'current' | 'stale' | 'deleted';

export interface Evidence {
  id: string;
  source: string;
  source_title: string;
  version: string;
  version_number: number;
  page: number | null;
  start: number;
  end: number;
  quote: string;
  quote_hash: string;
  state: EvidenceState;
  created_at: string;
  answer: string | null;
}

export interface PassageOut {
  id: string;
  source: string;
  source_title: string;
  version: string;
  page: number | null;
  start: number;
  end: number;
  text: string;
  headings: string[];
}

export interface Contribution {
  leg: string;
  rank: number;
  score: number;
  amount: number;
}

export interface Hit {
  passage: PassageOut;
  score: number;
  contributions: Contribution[];
  matched: string[];
}

export interface LegTrace {
  leg: string;
  state: string;
  milliseconds: number;
  found: number;
  error: string | null;
}

export interface Trace {
  legs: LegTrace[];
  fusion: string;
  stages: Record<string, number>;
}

export interface Estimate {
  model: string;
  kind: 'extractive' | 'llm';
  sources: number;
  passages: number;
  seconds: number;
  cost_usd: number | null;
  budget_usd: number | null;
}

export interface Brief {
  id: string;
  space: string;
  title: string;
  created_at: string;
  updated_at: string;
  epoch: string;
}

export interface BriefDetail extends Brief {
  access: 'read' | 'write';
}

export interface Template {
  id: string;
  title: string;
  description: string;
}

export type Verdict = 'supported' | 'partial' | 'unsupported' | 'stale' | 'opinion';

export interface Claim {
  hash: string;
  block: string;
  text: string;
  cites: string[];
  verdict: Verdict;
  reason: string;
  evidence: { cite: string; score: number }[];
  order: number;
}

export interface Coverage {
  claims: number;
  cited: number;
  supported: number;
  partial: number;
  unsupported: number;
  stale: number;
  opinion: number;
}

export interface ClaimReport {
  claims: Claim[];
  coverage: Coverage;
  checked_at: string | null;
  method: string;
  updated: boolean;
}

export interface Usage {
  model: string;
  prompt_tokens: number;
  completion_tokens: number;
  cost_usd: number | null;
}

export interface AnswerScope {
  sources: number;
  passages: number;
}

export type AnswerEvent =
  | {
      type: 'started';
      answer: string;
      question: string;
      model: string;
      kind: 'extractive' | 'llm';
      scope: AnswerScope;
    }
  | { type: 'retrieved'; hits: Hit[]; trace: Trace }
  | { type: 'notice'; code: string; message: string; sentences: number[] }
  | { type: 'token'; text: string }
  | { type: 'sentence'; index: number; text: string }
  | { type: 'cited'; index: number; evidence: Evidence; passage: string }
  | {
      type: 'finished';
      answer: string;
      state: string;
      uncited: number[];
      usage: Usage | null;
      timings: Record<string, number>;
    }
  | {
      type: 'declined';
      answer: string;
      reason: string;
      searched: { legs: string[] | number; sources: number; passages: number };
      nearest: Hit[];
    }
  | { type: 'failed'; answer: string | null; error: Problem };

/** Something a reader must know that is no failure: a fallback, sources that disagree. */
export interface AnswerNotice {
  code: string;
  message: string;
  sentences: number[];
}

export interface StoredSentence {
  text: string;
  evidence: string[];
  passages: string[];
}

/** A stored answer, as far as the page shows it. */
export interface StoredAnswer {
  id: string;
  question: string;
  kind: 'extractive' | 'llm';
  model: string;
  state: string;
  created_at: string;
  hits: Hit[];
  trace: Trace | null;
  sentences: StoredSentence[];
  uncited: number[];
  notices: AnswerNotice[];
  usage: Usage | null;
  timings: Record<string, number>;
  reason: string | null;
  error: Problem | null;
}

export interface AnswerRow {
  id: string;
  question: string;
  state: string;
  created_at: string;
  sentences: number;
}

export interface Replay {
  answer: string;
  identical: boolean;
  differences: { what: string; before: unknown; after: unknown }[];
}
