import { useSyncExternalStore } from 'react';

import { ApiError, type ClaimReport, get, readEvents, refetch, request, useResource } from '../api';

const QUIET = 1200; // ms without a change before claims are asked for again
const PATIENCE = 600; // ms that a check takes before it is worth a word

/** How far a check has come. */
export interface Checking {
  done: number;
  total: number;
}

interface Check {
  abort: AbortController;
  progress: Checking | null;
  /** It has lasted long enough to be told of. */
  shown: boolean;
}

const timers = new Map<string, ReturnType<typeof setTimeout>>();
const checks = new Map<string, Check>();
const listeners = new Set<() => void>();

export function claimsPath(brief: string): string {
  return `/api/briefs/${brief}/claims`;
}

export function useClaims(brief: string | null) {
  return useResource<ClaimReport>(brief && claimsPath(brief), check);
}

/** How far the check under way has come; null where there is none, or it is over in a moment. */
export function useChecking(brief: string): Checking | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => {
      const found = checks.get(claimsPath(brief));
      return found?.shown ? found.progress : null;
    },
  );
}

/** Ends the check under way. The verdicts it reached stand, and the next one goes on from there. */
export function cancelCheck(brief: string): void {
  checks.get(claimsPath(brief))?.abort.abort();
}

/** Asks for the claims again once the brief has been quiet for a moment. */
export function claimsChanged(brief: string): void {
  const timer = timers.get(brief);
  if (timer) clearTimeout(timer);
  timers.set(
    brief,
    setTimeout(() => {
      timers.delete(brief);
      void refetch(claimsPath(brief));
    }, QUIET),
  );
}

async function check(path: string): Promise<ClaimReport> {
  const mine: Check = { abort: new AbortController(), progress: null, shown: false };
  const put = (change: Partial<Check>) => {
    Object.assign(mine, change);
    for (const listener of listeners) listener();
  };
  checks.set(path, mine);
  const patience = setTimeout(() => put({ shown: true }), PATIENCE);
  try {
    return await read(path, mine.abort.signal, (progress) => put({ progress }));
  } catch (error) {
    if (mine.abort.signal.aborted) return await get<ClaimReport>(`${path}?standing=true`);
    throw error instanceof ApiError ? error : brokeOff();
  } finally {
    clearTimeout(patience);
    checks.delete(path);
    put({ shown: false });
  }
}

async function read(
  path: string,
  signal: AbortSignal,
  onProgress: (progress: Checking) => void,
): Promise<ClaimReport> {
  const { body } = await request(`${path}/check`, { signal });
  for await (const { event, data } of body ? readEvents(body) : []) {
    if (event === 'progress') onProgress(JSON.parse(data) as Checking);
    else if (event === 'checked') return JSON.parse(data) as ClaimReport;
  }
  throw brokeOff();
}

function brokeOff(): ApiError {
  return new ApiError(500, {
    code: 'check_broke_off',
    message: 'The check of the claims broke off before it was finished.',
    remedy: 'Try again: it goes on from the verdicts it had reached.',
  });
}
