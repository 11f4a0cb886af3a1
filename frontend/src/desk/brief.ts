import { useSyncExternalStore } from 'react';

/** A sentence on its way into the brief, with the evidence that was checked for it. */
export interface CitedSentence {
  text: string;
  cites: string[];
}

/** What the other panes may ask of the open brief. The brief pane implements it. */
export interface BriefPort {
  /** Puts sentences where the cursor is, each followed by its citations. */
  insertSentences(sentences: CitedSentence[]): void;
  insertCitation(cite: string): void;
  /** Gives every place that cites `from` the citation `to`. */
  replaceCitation(from: string, to: string): void;
  focus(): void;
}

let current: BriefPort | null = null;
const listeners = new Set<() => void>();

/** The shell puts the open, writable brief here; null while there is none. */
export function setBriefPort(port: BriefPort | null): void {
  if (port === current) return;
  current = port;
  for (const listener of listeners) listener();
}

/** The brief that can be written to now, or null: then inserting is disabled with its reason. */
export function useBriefPort(): BriefPort | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}
