import { useSyncExternalStore } from 'react';
import type { Doc } from 'yjs';

/** A sentence on its way into the brief, with the evidence that was checked for it. */
export interface CitedSentence {
  text: string;
  cites: string[];
}

/** What the other panes may ask of the open brief. The brief pane implements it. */
export interface BriefPort {
  /** Puts sentences where the cursor is, each followed by its citations. */
  insertSentences(sentences: readonly CitedSentence[]): void;
  /** Puts them there as a suggestion of `author`, which a person has yet to accept. */
  suggestSentences(sentences: readonly CitedSentence[], author: string): void;
  insertCitation(cite: string): void;
  /** Cites `to` where `from` was cited; in one block when it is named, else everywhere. */
  replaceCitation(from: string, to: string, block?: string): void;
  /** Cites at the end of a sentence that has no citation yet. False if it is not found there. */
  citeSentence(block: string, sentence: string, cite: string): boolean;
  /** Sets the status of an action item, as one's own edit. False if it is not there. */
  setStatus(block: string, status: 'open' | 'doing' | 'done'): boolean;
  /**
   * Makes the brief say what a version of it said, as one change that can be undone. How many
   * blocks it touched, and whether the server has it, once that is known.
   */
  restore(version: Doc): Promise<{ touched: number; saved: boolean }>;
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
