import type { components } from './schema';

/*
 * The values of the HTTP API. Times are ISO 8601 in UTC; offsets count Unicode code points.
 * Their shapes come from the server's own description; what it writes as a plain string but
 * chooses from a list is narrowed here. Event streams are not described there, so they are here.
 */

type Schemas = components['schemas'];
type Narrow<T, N> = Omit<T, keyof N> & N;

export type Port = Schemas['PortStatus'];
export type Health = Narrow<Schemas['Health'], { status: 'ok' | 'degraded'; ports: Port[] }>;
export type Space = Schemas['SpaceOut'];
export type Version = Schemas['VersionOut'];
export type VersionRow = Schemas['VersionListed'];
export type Receipt = Schemas['ReceiptOut'];
export type Source = Schemas['SourceOut'];
export type SourceState = Source['state'];
export type SourceUse = Schemas['UseOut'];
export type Segment = Schemas['Segment'];
export type SegmentKind = Segment['kind'];
export type Reading = Schemas['ReaderOut'];
export type PageBoxes = Schemas['PageOut'];
export type PassageOut = Schemas['PassageOut'];
export type Contribution = Schemas['ContributionOut'];
export type Hit = Schemas['HitOut'];
export type Elsewhere = Schemas['ElsewhereOut'];
export type WhyNot = Schemas['WhyNotOut'];
export type Member = Schemas['SpaceMemberOut'];
export type Role = Member['role'];
export type SpaceSettings = Schemas['SettingsOut'];
export type Fusion = Schemas['FusionOut'];
export type LegTrace = Schemas['LegOut'];
export type Trace = Schemas['TraceOut'];
export type Brief = Schemas['BriefOut'];
export type Template = Schemas['TemplateOut'];
export type OwnTemplate = Schemas['OwnTemplateOut'];
export type Coverage = Schemas['CoverageOut'];
export type CommentThread = Schemas['ThreadOut'];
export type Comment = Schemas['CommentOut'];
export type Comments = Schemas['CommentsOut'];
export type Commenter = Schemas['PersonOut'];
export type Notifications = Schemas['NotificationsOut'];
export type Notification = Schemas['NotificationOut'];
export type BriefVersion = Schemas['BriefVersionOut'];
export type BriefVersions = Schemas['VersionsOut'];
export type BriefDifference = Schemas['BriefDifferenceOut'];
export type DifferenceRow = Schemas['RowOut'];
export type WordRun = Schemas['WordRunOut'];
export type Usage = Schemas['UsageOut'];
export type AnswerRow = Schemas['AnswerLine'];
export type AnswerNotice = Schemas['NoticeOut'];
export type StoredSentence = Schemas['SentenceOut'];
export type Replay = Schemas['ReplayOut'];

export type Graph = Narrow<
  Schemas['GraphOut'],
  { about: 'answer' | 'question' | 'entity' | 'space' }
>;
export type GraphEntity = Schemas['EntityOut'];
export type GraphRelation = Schemas['RelationOut'];
export type GraphPath = Schemas['PathOut'];
export type Quoted = Schemas['QuotedOut'];
export type Communities = Schemas['CommunitiesOut'];
export type Community = Schemas['CommunityOut'];

export type Rebuild = Schemas['RebuildOut'];

export type ExtractionRun = Narrow<
  Schemas['ExtractionRunOut'],
  { state: 'running' | 'paused' | 'done' | 'cancelled' }
>;
export type Extraction = Narrow<Schemas['ExtractionOut'], { run: ExtractionRun | null }>;

/** What is wrong and the way out of it. */
export interface Problem {
  code: string;
  message: string;
  remedy: string | null;
}

export type EvidenceState = 'current' | 'stale' | 'deleted';
export type Evidence = Narrow<Schemas['EvidenceOut'], { state: EvidenceState }>;

export type AnswerKind = 'extractive' | 'llm';
export type Cost = Narrow<Schemas['CostOut'], { kind: AnswerKind }>;
export type Estimate = Narrow<Schemas['EstimateOut'], { kind: AnswerKind }>;

/** A stored answer, as far as the page shows it. */
export type StoredAnswer = Narrow<
  Pick<
    Schemas['RunOut'],
    | 'id'
    | 'question'
    | 'sources'
    | 'model'
    | 'state'
    | 'created_at'
    | 'hits'
    | 'trace'
    | 'sentences'
    | 'uncited'
    | 'notices'
    | 'usage'
    | 'timings'
    | 'reason'
  >,
  { kind: AnswerKind; error: Partial<Problem> | null }
>;

export type Verdict = 'supported' | 'partial' | 'unsupported' | 'stale' | 'opinion';
export type Claim = Narrow<Schemas['ClaimOut'], { verdict: Verdict }>;
export type ClaimReport = Narrow<Schemas['ClaimsOut'], { claims: Claim[] }>;

export type AnswerEvent =
  | {
      type: 'started';
      answer: string;
      question: string;
      model: string;
      kind: AnswerKind;
      scope: { sources: number; passages: number };
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
      searched: { legs: string[]; sources: number; passages: number };
      nearest: Hit[];
    }
  | { type: 'failed'; answer: string | null; error: Problem };

export type AnswerScope = Extract<AnswerEvent, { type: 'started' }>['scope'];
