import type { components } from '../api/schema';

/* What the page knows of exports, as the HTTP API says it. Times are ISO 8601 in UTC. */

type Schemas = components['schemas'];
type Narrow<T, N> = Omit<T, keyof N> & N;

export type Json = boolean | number | string | null | Json[] | { [name: string]: Json };
export type TargetKind = 'folder' | RemoteKind;
export type RemoteKind = Connection['kind'];

export type Connection = Schemas['ConnectionOut'];
export type ConnectWay = Schemas['WayOut'];
export type Listening = Schemas['ListeningOut'];
export type PlaceFound = Narrow<Schemas['PlaceFoundOut'], { where: Record<string, Json> }>;
export type Option = Schemas['OptionOut'];
export type MappingChoice = Narrow<Schemas['MappingChoiceOut'], { default: Json }>;

export type Run = Schemas['ExportRunOut'];
export type Outcome = Schemas['OutcomeOut'];
export type Target = Narrow<
  Schemas['TargetOut'],
  { kind: TargetKind; where: Record<string, Json>; mapping: Record<string, Json> }
>;
export type Remember = Target['remember'];

export type PlanPart = Narrow<Schemas['PlanPartOut'], { theirs_value: Json }>;
export type PlanItem = Narrow<Schemas['PlanItemOut'], { parts: PlanPart[] }>;
export type PlanStep = Schemas['PlanStepOut'];
export type Counts = Schemas['CountsOut'];
export type Plan = Narrow<Schemas['PlanOut'], { items: PlanItem[] }>;
export type ItemChange = PlanItem['change'];
export type Standing = PlanItem['standing'];
export type Way = PlanItem['ways'][number];
export type Op = PlanStep['op'];
export type StepOutcome = Outcome['outcome'];

export type PartDecision = Narrow<Schemas['PartDecisionIn'], { theirs: Json }>;
export type Choice = PartDecision['choice'];
export type WayDecision = Schemas['WayDecisionIn'];

export type LedgerItem = Schemas['LedgerItemOut'];
