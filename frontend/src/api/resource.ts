import { useCallback, useEffect, useSyncExternalStore } from 'react';

import { get } from './client';

/** What is known of one address: the last good value stays while it is fetched again or fails. */
export interface Resource<T> {
  data: T | undefined;
  error: unknown;
  loading: boolean;
  /** When `data` was fetched, in milliseconds since the epoch. */
  at: number | null;
}

type Read = (path: string) => Promise<unknown>;

interface Entry {
  /** How this address is read, where there is more to it than one answer. */
  read: Read;
  state: Resource<unknown>;
  listeners: Set<() => void>;
  inflight: Promise<void> | null;
  again: boolean;
}

const EMPTY: Resource<never> = { data: undefined, error: null, loading: false, at: null };
const entries = new Map<string, Entry>();

function entry(path: string): Entry {
  let found = entries.get(path);
  if (!found) {
    found = { read: get, state: EMPTY, listeners: new Set(), inflight: null, again: false };
    entries.set(path, found);
  }
  return found;
}

function put(path: string, patch: Partial<Resource<unknown>>): void {
  const e = entry(path);
  e.state = { ...e.state, ...patch };
  for (const listener of e.listeners) listener();
}

function wantsMore(e: Entry): boolean {
  return e.again;
}

/** `next`, with every part that is equal to the old one being the old one: lists know what changed. */
export function shared(old: unknown, next: unknown): unknown {
  if (Object.is(old, next)) return old;
  if (typeof old !== 'object' || typeof next !== 'object' || !old || !next) return next;
  if (Array.isArray(old) !== Array.isArray(next)) return next;
  if (Array.isArray(old) && Array.isArray(next)) {
    const parts = next.map((part, at) => shared(old[at], part));
    return parts.length === old.length && parts.every((part, at) => part === old[at]) ? old : parts;
  }
  const before = old as Record<string, unknown>;
  const parts = Object.entries(next).map(
    ([key, part]) => [key, shared(before[key], part)] as const,
  );
  const same =
    parts.length === Object.keys(before).length &&
    parts.every(([key, part]) => key in before && part === before[key]);
  return same ? old : Object.fromEntries(parts);
}

/** Fetches again. A call while one is under way makes one more round after it, so no change is missed. */
export function refetch(path: string): Promise<void> {
  const e = entry(path);
  if (e.inflight) {
    e.again = true;
    return e.inflight;
  }
  put(path, { loading: true });
  e.inflight = (async () => {
    for (let more = true; more; more = wantsMore(e)) {
      e.again = false;
      try {
        const data = await e.read(path);
        put(path, { data: shared(e.state.data, data), error: null, at: Date.now() });
      } catch (error) {
        put(path, { error });
      }
    }
    e.inflight = null;
    put(path, { loading: false });
  })();
  return e.inflight;
}

/** Refetches what is on screen under this prefix and forgets the rest. */
export function invalidate(prefix: string): void {
  for (const [path, e] of entries) {
    if (!path.startsWith(prefix)) continue;
    if (e.listeners.size > 0) void refetch(path);
    else if (!e.inflight) entries.delete(path);
  }
}

/** Changes the value held here, as an event told us, without asking the server. */
export function patch<T>(path: string, change: (old: T) => T): void {
  const e = entries.get(path);
  if (e?.state.data === undefined) return;
  put(path, { data: change(e.state.data as T) });
}

/** Forgets everything; for tests. */
export function forgetAll(): void {
  entries.clear();
}

/** The resource at `path`, by a plain GET unless told how to read it; null asks for nothing. */
export function useResource<T>(
  path: string | null,
  read?: (path: string) => Promise<T>,
): Resource<T> {
  const subscribe = useCallback(
    (listener: () => void) => {
      if (path === null) return () => undefined;
      const e = entry(path);
      e.listeners.add(listener);
      return () => e.listeners.delete(listener);
    },
    [path],
  );
  const state = useSyncExternalStore(subscribe, () =>
    path === null ? EMPTY : entry(path).state,
  ) as Resource<T>;
  useEffect(() => {
    if (path === null) return;
    const e = entry(path);
    if (read) e.read = read;
    if (e.state.at === null && !e.inflight) void refetch(path);
  }, [path, read]);
  return state;
}
