import { useSyncExternalStore } from 'react';

import type { Commenter } from '../api';
import { recall, remember } from '../desk';
import type { Anchor } from './comments';

/** Words that are not sent yet. They outlive their field, the tab and the page. */
export interface Draft {
  /** Sent along, so that a comment whose answer was lost is not written twice. */
  id: string;
  body: string;
  mentions: readonly Commenter[];
  /** Of a thread to be: the words it is about. */
  anchor: Anchor | null;
  /** Counts how often the anchor was set. */
  revision: number;
}

const drafts = new Map<string, Draft | null>();
const listeners = new Set<() => void>();

function held(key: string): Draft | null {
  const known = drafts.get(key);
  if (known !== undefined) return known;
  const kept = recall<Draft | null>(`comment.${key}`, null);
  drafts.set(key, kept);
  return kept;
}

/** A draft of a brief: of a new thread (`NEW`), a reply to a thread, or another wording of a comment. */
export function draftOf(brief: string, of: string): Draft | null {
  return held(`${brief}.${of}`);
}

function put(key: string, draft: Draft | null): void {
  drafts.set(key, draft);
  remember(`comment.${key}`, draft);
  for (const listener of listeners) listener();
}

/** Changes a draft, or begins it; what it is by then. */
export function putDraft(brief: string, of: string, change: Partial<Draft>): Draft {
  const key = `${brief}.${of}`;
  const old = held(key) ?? { id: newDraftId(), body: '', mentions: [], anchor: null, revision: 0 };
  const next = { ...old, ...change, revision: old.revision + (change.anchor ? 1 : 0) };
  put(key, next);
  return next;
}

export function dropDraft(brief: string, of: string): void {
  put(`${brief}.${of}`, null);
}

export function useDraft(brief: string, of: string): Draft | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => draftOf(brief, of),
  );
}

function newDraftId(): string {
  const random = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Forgets what is in memory; for tests. */
export function forgetCommentDrafts(): void {
  drafts.clear();
}
