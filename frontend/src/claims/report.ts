import { type ClaimReport, refetch, useResource } from '../api';

const QUIET = 1200; // ms without a change before claims are asked for again

const timers = new Map<string, ReturnType<typeof setTimeout>>();

export function claimsPath(brief: string): string {
  return `/api/briefs/${brief}/claims`;
}

export function useClaims(brief: string | null) {
  return useResource<ClaimReport>(brief && claimsPath(brief));
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
