import { useSyncExternalStore } from 'react';

import { asProblem, get, invalidate, type StoredAnswer } from '../api';
import { knownEvidence, learnEvidence, wantEvidence } from '../sources';
import { broken, cancelled, fold, newRun, type Run } from './reducer';
import { ask, type Question } from './stream';
import { fromStored } from './stored';

/* The run on screen, one per space. It lives outside the pane: changing tabs does not stop it. */

interface Slot {
  run: Run | null;
  abort: AbortController | null;
}

const slots = new Map<string, Slot>();
const listeners = new Set<() => void>();

function slot(space: string): Slot {
  return slots.get(space) ?? { run: null, abort: null };
}

function put(space: string, next: Slot): void {
  slots.set(space, next);
  for (const listener of listeners) listener();
}

/** Asks; a question still running in this space is stopped first. Resolves when the run is over. */
export async function start(space: string, question: Question): Promise<Run> {
  stop(space);
  const abort = new AbortController();
  const before = slot(space).run;
  let run = newRun(question.question, question.sources ?? null);
  const mine = () => slots.get(space)?.abort === abort;
  put(space, { run, abort });
  try {
    for await (const event of ask(space, question, abort.signal)) {
      if (!mine()) return run;
      if (event.type === 'cited') learnEvidence(event.evidence);
      run = fold(run, event);
      put(space, { run, abort });
    }
    run = broken(run, {
      code: 'stream_ended',
      message: 'The answer broke off before it was finished.',
      remedy: 'Ask again; what was already cited stays valid.',
    });
  } catch (error) {
    run = abort.signal.aborted ? cancelled(run) : broken(run, asProblem(error));
  }
  if (mine()) {
    // What could not be read as a question was not asked: the answer before it stays.
    put(space, { run: run.problem?.code === 'bad_query' ? before : run, abort: null });
    invalidate(`/api/spaces/${space}/answers`);
    invalidate(`/api/spaces/${space}/cost`);
  }
  return run;
}

/** Stops the running question; what was already checked stays on screen. */
export function stop(space: string): void {
  const { run, abort } = slot(space);
  if (!abort) return;
  put(space, { run: run && cancelled(run), abort: null });
  abort.abort();
  invalidate(`/api/spaces/${space}/answers`);
}

/** Clears the pane for a new question. */
export function clear(space: string): void {
  stop(space);
  put(space, { run: null, abort: null });
}

/** Shows a stored answer again. */
export async function reopen(space: string, answer: string): Promise<void> {
  stop(space);
  const stored = await get<StoredAnswer>(`/api/answers/${answer}`);
  await wantEvidence(stored.sentences.flatMap((sentence) => sentence.evidence));
  const evidence = new Map(
    [...knownEvidence()].flatMap(([id, record]) => (record ? [[id, record] as const] : [])),
  );
  put(space, { run: fromStored(stored, evidence), abort: null });
}

export function useRun(space: string): Run | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => slots.get(space)?.run ?? null,
  );
}
