import { useState } from 'react';

/** What is about to be asked: the words, and the sources chosen (null: all of them). */
export interface Draft {
  text: string;
  chosen: ReadonlySet<string> | null;
}

const drafts = new Map<string, Draft>();

/** The question being written in a space. It outlives its field: other tabs take that away. */
export function useDraft(
  space: string,
  first: string,
): [draft: Draft, change: (part: Partial<Draft>) => void] {
  const [draft, setDraft] = useState(() => drafts.get(space) ?? { text: first, chosen: null });
  const change = (part: Partial<Draft>) => {
    const next = { ...(drafts.get(space) ?? draft), ...part };
    drafts.set(space, next);
    setDraft(next);
  };
  return [draft, change];
}

/** Forgets everything; for tests. */
export function forgetDrafts(): void {
  drafts.clear();
}
