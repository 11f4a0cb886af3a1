import { useEffect, useMemo, useSyncExternalStore } from 'react';

import { type Evidence, get } from '../api';

/* Evidence records by citation id. Asked for in batches; a record changes state when its source does. */

const LIMIT = 200; // ids the server takes at once

let known: ReadonlyMap<string, Evidence | null> = new Map();
const wanted = new Set<string>();
const listeners = new Set<() => void>();
let scheduled: Promise<void> | null = null;
let version = 0;

function tell(): void {
  version += 1;
  for (const listener of listeners) listener();
}

async function flush(): Promise<void> {
  // One turn of the event loop lets every chip on screen add its id to the batch.
  await new Promise((resolve) => setTimeout(resolve, 0));
  scheduled = null;
  const ids = [...wanted];
  wanted.clear();
  for (let at = 0; at < ids.length; at += LIMIT) {
    const batch = ids.slice(at, at + LIMIT);
    try {
      const answer = await get<{ evidence: Record<string, Evidence>; missing: string[] }>(
        `/api/evidence?ids=${batch.map(encodeURIComponent).join(',')}`,
      );
      const next = new Map(known);
      for (const id of batch) next.set(id, answer.evidence[id] ?? null);
      known = next;
      tell();
    } catch {
      // Out of reach: the ids stay unknown and are asked for again when next shown.
    }
  }
}

/** Fetches records that are not known yet. */
export function wantEvidence(ids: readonly string[]): Promise<void> {
  for (const id of ids) if (!known.has(id)) wanted.add(id);
  if (wanted.size === 0) return scheduled ?? Promise.resolve();
  scheduled ??= flush();
  return scheduled;
}

/** Takes in a record that arrived with an answer or was just made. */
export function learnEvidence(record: Evidence): void {
  known = new Map(known).set(record.id, record);
  tell();
}

/** Asks again for everything known: a source changed, so records may have gone stale. */
export function refreshEvidence(): void {
  for (const id of known.keys()) wanted.add(id);
  if (wanted.size > 0) scheduled ??= flush();
}

export function knownEvidence(): ReadonlyMap<string, Evidence | null> {
  return known;
}

/** Records by id; null for one the server does not have, absent while it is being fetched. */
export function useEvidence(ids: readonly string[]): ReadonlyMap<string, Evidence | null> {
  const key = ids.join(',');
  useEffect(() => {
    if (key) void wantEvidence(key.split(','));
  }, [key]);
  const all = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => known,
  );
  return useMemo(() => {
    const mine = new Map<string, Evidence | null>();
    for (const id of key ? key.split(',') : []) {
      const record = all.get(id);
      if (record !== undefined) mine.set(id, record);
    }
    return mine;
  }, [key, all]);
}

/** Grows whenever any record is learnt or changes. */
export function useEvidenceVersion(): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => version,
  );
}
