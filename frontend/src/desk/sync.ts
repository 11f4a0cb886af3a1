import { useSyncExternalStore } from 'react';

/** What the panes need to know of the open brief's way to the server. */
export interface Sync {
  connection: 'connecting' | 'live' | 'offline' | 'signedOut' | 'refused' | 'missing' | 'diverged';
  unsynced: number;
  /** Changes are also kept on this device. */
  kept: boolean;
  savedAt: number | null;
  /** The server has answered the last request of this page. */
  reachable: boolean;
}

let current: Sync = {
  connection: 'connecting',
  unsynced: 0,
  kept: true,
  savedAt: null,
  reachable: true,
};
const listeners = new Set<() => void>();

export function setSync(change: Partial<Sync>): void {
  const next = { ...current, ...change };
  const same = (Object.keys(next) as (keyof Sync)[]).every((key) => next[key] === current[key]);
  if (same) return;
  current = next;
  for (const listener of listeners) listener();
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useSync(): Sync {
  return useSyncExternalStore(listen, () => current);
}

/** What a part of the page makes of the sync; it is drawn anew only when that differs. */
export function useSyncOf<T extends string | boolean | null>(pick: (sync: Sync) => T): T {
  return useSyncExternalStore(listen, () => pick(current));
}

/** Whether the server is out of reach; a count that changes draws nothing anew. */
export function useOffline(): boolean {
  return useSyncExternalStore(listen, () => isOffline(current));
}

/** True while what the server knows is not what this page shows. */
export function isOffline(sync: Sync): boolean {
  return !sync.reachable || sync.connection === 'offline' || sync.connection === 'signedOut';
}
