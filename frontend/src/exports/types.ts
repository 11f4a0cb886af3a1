import type { Problem } from '../api';

/* What the page knows of exports, as the HTTP API says it. Times are ISO 8601 in UTC. */

export type Json = boolean | number | string | null | Json[] | { [name: string]: Json };
export type TargetKind = 'folder' | 'notion' | 'jira' | 'trello';
export type RemoteKind = Exclude<TargetKind, 'folder'>;

/** A token or a sign-in at a target, shared by a space. */
export interface Connection {
  id: string;
  kind: RemoteKind;
  name: string;
  /** Who the token is over there. */
  account: string;
  state: 'ok' | 'reconnect';
  /** Why it has to be connected again. */
  trouble: string;
}

/** How a kind may be connected on this server. */
export interface ConnectWay {
  kind: RemoteKind;
  sign_in: boolean;
  /** What a sign-in asks for. */
  scopes: string[];
}

/** How a connection hears of changes over there. */
export interface Listening {
  /** Where the other side calls in; empty where it cannot reach us. */
  url: string;
  /** A person has to set it up over there. */
  by_hand: boolean;
  heard: boolean;
  watching: string[];
  /** To be entered over there; empty once the first signed call came. */
  secret: string;
}

/** Somewhere a connection can put things. */
export interface PlaceFound {
  name: string;
  where: Record<string, Json>;
  kind_name: string; // "Database", "Board": what it is called over there
  url: string;
}

export interface Option {
  id: string;
  name: string;
}

/** One thing that may be chosen about how a brief is shown over there. */
export interface MappingChoice {
  key: string;
  label: string;
  kind: 'select' | 'text' | 'flag' | 'map';
  options: Option[];
  default: Json;
  help: string;
  rows: Option[]; // of a map: what is mapped
}

export type Remember = 'brief' | 'space';

/** What is found over there that we did not do. */
export interface Drift {
  drift: number; // parts that changed over there only
  conflicts: number; // parts that changed on both sides
  astray: number; // objects that are not where we left them
}

export interface Target {
  id: string;
  kind: TargetKind;
  name: string;
  connection: string | null;
  /** The connection has to be made again before anything can be sent. */
  reconnect: boolean;
  where: Record<string, Json>;
  mapping: Record<string, Json>;
  remember: Remember;
  url: string; // of the overview over there; empty before the first export
  /** Items that differ from what was sent; null before the first export or where it is not known. */
  changes: number | null;
  drift: Drift;
  /** The actions whose status changed over there, in the brief's own terms. */
  statuses: { key: string; status: ActionStatus }[];
  /** When something was last looked for over there. */
  looked_at: string | null;
  exported_at: string | null;
  exported_by: string | null;
  run: Run | null;
}

export type ItemChange = 'create' | 'update' | 'archive' | 'keep' | 'conflict' | 'drift' | 'astray';
export type PartChange = 'send' | 'keep' | 'drift' | 'conflict';
export type Standing = 'live' | 'archived' | 'moved' | 'gone' | 'forbidden';
export type Choice = 'ours' | 'theirs';
export type Way = 'restore' | 'recreate' | 'release';

/** One part of an object, three ways, each as Markdown. */
export interface PlanPart {
  part: string;
  label: string;
  change: PartChange;
  base: string;
  ours: string;
  theirs: string;
  theirs_value: Json;
}

export interface PlanItem {
  key: string;
  kind: string;
  title: string;
  change: ItemChange;
  url: string;
  parts: PlanPart[];
  standing: Standing;
  where: string;
  ways: Way[];
}

export type Op = 'create' | 'update' | 'archive' | 'restore';

export interface PlanStep {
  id: string;
  op: Op;
  keys: string[];
  method: string;
  path: string;
  /** The exact bytes; empty where the call has no body. */
  body: string;
}

export interface Counts {
  create: number;
  update: number;
  archive: number;
  keep: number;
  drift: number;
  conflict: number;
  astray: number;
  writes: number;
  reads: number;
}

/** What an export would do: a dry-run. */
export interface Plan {
  checksum: string;
  target: string;
  brief: string;
  counts: Counts;
  seconds: number;
  archives_limit: number;
  needs_yes: boolean;
  losses: { key: string; what: string }[];
  items: PlanItem[];
  steps: PlanStep[];
}

export type RunState =
  'planned' | 'running' | 'reconciling' | 'waiting' | 'done' | 'failed' | 'cancelled';
export type StepOutcome =
  'done' | 'refused' | 'drifted' | 'waiting' | 'reconciling' | 'pending' | 'throttled';

export interface Outcome {
  step: string;
  keys: string[];
  op: Op;
  outcome: StepOutcome;
  message: string;
  retry_at: string | null;
  url: string;
}

export interface Run {
  id: string;
  state: RunState;
  actor: string;
  started_at: string;
  ended_at: string | null;
  checksum: string;
  total: number;
  done: number;
  wait_until: string | null;
  /** Why it stopped. */
  trouble: Problem | null;
  outcomes: Outcome[];
}

export interface PartDecision {
  key: string;
  part: string;
  choice: Choice;
  theirs: Json;
}

export interface WayDecision {
  key: string;
  way: Way;
  standing: Standing;
}

export type ActionStatus = 'open' | 'doing' | 'done';

/** One object that we made over there. */
export interface LedgerItem {
  key: string;
  kind: string;
  title: string;
  url: string;
  standing: Standing;
  /** What changed over there since we last wrote. */
  drift: { part: string; label: string; theirs: string }[];
  /** What an action's status became over there, in the brief's own terms; null where it did not. */
  status: ActionStatus | null;
  /** It rests on evidence that its source no longer gives. */
  stale: boolean;
}
