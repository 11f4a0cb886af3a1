import { useMemo, useSyncExternalStore } from 'react';

import { invalidate, patch, send, useResource } from '../api';
import type {
  Json,
  LedgerItem,
  PartDecision,
  Plan,
  Remember,
  Run,
  Target,
  TargetKind,
  WayDecision,
} from './types';
import { KIND_NAMES } from './words';

export function targetsPath(brief: string): string {
  return `/api/briefs/${brief}/targets`;
}

function targetPath(brief: string, target: string): string {
  return `${targetsPath(brief)}/${target}`;
}

/** Where this brief goes, and how it stands there. */
export function useTargets(brief: string | null) {
  return useResource<Target[]>(brief && targetsPath(brief));
}

/** What the status of the brief's actions became in its targets. */
export function useStatusesElsewhere(brief: string) {
  const { data } = useTargets(brief);
  return useMemo(
    () =>
      (data ?? []).flatMap(({ kind, statuses }) =>
        statuses.map(({ key, status }) => ({ block: key, status, where: KIND_NAMES[kind] })),
      ),
    [data],
  );
}

/** What was made in one place for this brief; null asks for none. */
export function useLedger(brief: string, target: string | null) {
  return useResource<LedgerItem[]>(target && `${targetPath(brief, target)}/ledger`);
}

function runsPath(brief: string, target: string): string {
  return `${targetPath(brief, target)}/runs`;
}

/** The latest exports: who approved what, and what came of it; null asks for none. */
export function useRuns(brief: string, target: string | null) {
  return useResource<Run[]>(target && runsPath(brief, target));
}

/** An export with what became of each call; null asks for none. */
export function useRun(brief: string, target: string, run: string | null) {
  return useResource<Run>(run && `${runsPath(brief, target)}/${run}`);
}

/** Has it looked for changes over there; what is found comes as an event. */
export async function look(brief: string, target: string): Promise<void> {
  await send('POST', `${targetPath(brief, target)}/look`);
}

export interface NewTarget {
  connection: string | null;
  kind: TargetKind;
  name: string;
  where: Record<string, Json>;
  mapping: Record<string, Json>;
  remember: Remember;
}

export async function addTarget(brief: string, target: NewTarget): Promise<Target> {
  const added = await send<Target>('POST', targetsPath(brief), target);
  patch<Target[]>(targetsPath(brief), (old) => [...old.filter(({ id }) => id !== added.id), added]);
  invalidate(targetsPath(brief));
  return added;
}

export async function changeTarget(
  brief: string,
  target: string,
  change: Partial<Pick<Target, 'name' | 'mapping' | 'remember'>>,
): Promise<void> {
  await send('PATCH', targetPath(brief, target), change);
  forgetPlan(brief, target);
  invalidate(targetsPath(brief));
}

export async function removeTarget(brief: string, target: string): Promise<void> {
  await send('DELETE', targetPath(brief, target));
  forgetPlan(brief, target);
  patch<Target[]>(targetsPath(brief), (old) => old.filter(({ id }) => id !== target));
  invalidate(targetsPath(brief));
}

/* The last dry-run of each target in this page: what is approved by its checksum. */

const plans = new Map<string, Plan>();
const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

function forgetPlan(brief: string, target: string): void {
  if (plans.delete(`${brief}/${target}`)) tell();
}

/** Forgets every dry-run; for tests. */
export function forgetPlans(): void {
  plans.clear();
  tell();
}

/** The last dry-run, until something was sent or decided. */
export function usePlan(brief: string, target: string): Plan | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => plans.get(`${brief}/${target}`) ?? null,
  );
}

/** Reads what is over there and says what an export would do; nothing is sent. */
export async function dryRun(brief: string, target: string): Promise<Plan> {
  const plan = await send<Plan>('POST', `${targetPath(brief, target)}/plan`);
  plans.set(`${brief}/${target}`, plan);
  tell();
  // What was looked at over there is known in the list as well.
  invalidate(targetsPath(brief));
  return plan;
}

function putRun(brief: string, target: string, run: Run): Run {
  patch<Target[]>(targetsPath(brief), (old) =>
    old.map((one) => (one.id === target ? { ...one, run } : one)),
  );
  invalidate(targetsPath(brief));
  return run;
}

/** Carries out the very plan that has this checksum. `archives`: also where it takes much away. */
export async function startRun(
  brief: string,
  target: string,
  checksum: string,
  archives: boolean,
): Promise<Run> {
  const run = await send<Run>('POST', runsPath(brief, target), { checksum, archives });
  forgetPlan(brief, target);
  return putRun(brief, target, run);
}

export async function cancelRun(brief: string, target: string, run: string): Promise<void> {
  const path = `${runsPath(brief, target)}/${run}/cancel`;
  putRun(brief, target, await send<Run>('POST', path));
}

export async function resumeRun(brief: string, target: string, run: string): Promise<void> {
  const path = `${runsPath(brief, target)}/${run}/resume`;
  putRun(brief, target, await send<Run>('POST', path));
}

/** Takes note of what a person decided, and plans again with it. */
export async function decide(
  brief: string,
  target: string,
  parts: readonly PartDecision[],
  ways: readonly WayDecision[],
): Promise<Plan> {
  await send('POST', `${targetPath(brief, target)}/decisions`, { parts, ways });
  return dryRun(brief, target);
}
