import { useCallback, useRef, useState } from 'react';
import * as Y from 'yjs';

import {
  asProblem,
  type BriefDifference,
  type BriefVersion,
  type BriefVersions,
  get,
  invalidate,
  type Problem,
  request,
  send,
  useResource,
} from '../api';
import type { BriefPort } from '../desk';

const PAGE = 50;

export function versionsPath(brief: string): string {
  return `/api/briefs/${brief}/versions`;
}

/** The versions of a brief as far as they were asked for, the latest first. */
export function useVersions(brief: string) {
  const { data, error } = useResource<BriefVersions>(`${versionsPath(brief)}?limit=${PAGE}`);
  const [older, setOlder] = useState<{ brief: string; page: BriefVersions } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const kept = older?.brief === brief ? older.page : null;
  const first = data?.versions ?? [];
  const last = first.at(-1)?.number ?? Infinity;
  const versions = [...first, ...(kept?.versions ?? []).filter(({ number }) => number < last)];
  const more = kept ? kept.more : (data?.more ?? false);

  const asking = useRef(false);
  const loadMore = useCallback(
    async (before: number) => {
      if (asking.current) return;
      asking.current = true;
      setBusy(true);
      setProblem(null);
      try {
        const page = await get<BriefVersions>(
          `${versionsPath(brief)}?limit=${PAGE}&before=${before}`,
        );
        setOlder((old) => {
          const had = old?.brief === brief ? old.page.versions : [];
          return { brief, page: { ...page, versions: [...had, ...page.versions] } };
        });
      } catch (failure) {
        setProblem(asProblem(failure));
      } finally {
        asking.current = false;
        setBusy(false);
      }
    },
    [brief],
  );
  return {
    data,
    versions,
    more,
    busy,
    error: error ? asProblem(error) : problem,
    loadMore: () => loadMore(versions.at(-1)?.number ?? 1),
  };
}

// Two versions differ by the same for good; only what is compared with now is asked for anew.
const told = new Map<string, Promise<BriefDifference>>();
const TOLD = 200;

function tell(path: string): Promise<BriefDifference> {
  if (!path.includes('after=')) return get<BriefDifference>(path);
  let found = told.get(path);
  if (!found) {
    found = get<BriefDifference>(path);
    found.catch(() => told.delete(path));
    if (told.size >= TOLD) told.clear();
    told.set(path, found);
  }
  return found;
}

/** What differs from one version to another; `before` null is an empty brief, `after` null is now. */
export function useDifference(brief: string, before: number | null, after: number | null) {
  const query = new URLSearchParams();
  if (before !== null) query.set('before', String(before));
  if (after !== null) query.set('after', String(after));
  return useResource<BriefDifference>(
    `${versionsPath(brief)}/difference?${query.toString()}`,
    tell,
  );
}

export async function saveVersion(brief: string, name: string | null): Promise<BriefVersion> {
  const saved = await send<BriefVersion>('POST', versionsPath(brief), { name });
  invalidate(versionsPath(brief));
  return saved;
}

export async function renameVersion(
  brief: string,
  number: number,
  name: string | null,
): Promise<void> {
  await send('PUT', `${versionsPath(brief)}/${number}/name`, { name });
  invalidate(versionsPath(brief));
}

/**
 * Brings a version back into the open brief. What it says now is saved as a version first, and what
 * came of it is marked afterwards. Returns how many blocks it touched.
 */
export async function bringBack(brief: string, number: number, port: BriefPort): Promise<number> {
  const path = versionsPath(brief);
  await send('POST', path, {});
  const response = await request(`${path}/${number}/update`);
  const version = new Y.Doc();
  Y.applyUpdate(version, new Uint8Array(await response.arrayBuffer()));
  const { touched, saved } = await port.restore(version);
  version.destroy();
  if (touched > 0 && saved) await send('POST', path, { restored: number });
  invalidate(path);
  return touched;
}
