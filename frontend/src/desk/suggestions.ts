import { useSyncExternalStore } from 'react';

/** What somebody proposes in the open brief, as the other panes show it. */
export interface PendingSuggestion {
  id: string;
  author: string;
  name: string;
  kind: 'person' | 'ai';
  at: string;
  color: string;
  summary: string;
}

/** The suggestions of the open brief, in reading order, and what can be done about them. */
export interface SuggestionDesk {
  all: readonly PendingSuggestion[];
  current: string | null;
  /** Whether this person may decide; else they are only shown. */
  decides: boolean;
  decide: (verdict: 'accept' | 'reject', which: { id?: string; author?: string }) => void;
  show: (id: string) => void;
}

let desk: SuggestionDesk | null = null;
const listeners = new Set<() => void>();

/** The brief pane puts the open brief's suggestions here; null while none is open. */
export function setSuggestionDesk(next: SuggestionDesk | null): void {
  desk = next;
  for (const listener of listeners) listener();
}

export function useSuggestions(): SuggestionDesk | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => desk,
  );
}
