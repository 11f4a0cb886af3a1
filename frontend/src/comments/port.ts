import { useSyncExternalStore } from 'react';

import type { Anchor } from './comments';

/** What the comments' pane asks of the open brief; the brief pane implements it. */
export interface CommentPort {
  /** How the person at this browser is called. */
  name: () => string;
  /** The words that are selected in the text; null where none are. */
  selected: () => Anchor | null;
  /** Where the words of a thread, or of the draft, are by now; null where they are gone. */
  anchor: (thread: string) => Anchor | null;
  /** The thread the caret is in, or `NEW`. */
  at: () => string | null;
  /** Begins a comment on what is selected, or goes to the one the caret is in. */
  comment: () => void;
  /** Scrolls to a thread's words. */
  reveal: (thread: string) => void;
  /** Gives the text the focus, with its caret where it was. */
  focus: () => void;
}

interface State {
  port: CommentPort | null;
  /** The threads that have words, in reading order; null until the text is there. */
  order: readonly string[] | null;
  /** Whether words are selected in the text. */
  selecting: boolean;
  /** The thread, or `NEW`, that is to have the focus, until it has taken it. */
  wanted: string | null;
}

/** The draft of a thread, among threads. */
export const NEW = 'new';

const EMPTY: State = { port: null, order: null, selecting: false, wanted: null };
let state = EMPTY;
const listeners = new Set<() => void>();

export function setCommentDesk(change: Partial<State>): void {
  const next = { ...state, ...change };
  if ((Object.keys(next) as (keyof State)[]).every((key) => next[key] === state[key])) return;
  state = next;
  for (const listener of listeners) listener();
}

/** The text is closed: what was known of it is forgotten. Who is to have the focus may be in the next. */
export function leaveCommentDesk(): void {
  setCommentDesk({ port: null, order: null, selecting: false });
}

export function getCommentDesk(): State {
  return state;
}

export function useCommentDesk(): State {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

export function authorName(): string | null {
  return state.port?.name() ?? null;
}
