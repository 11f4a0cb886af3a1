import { useSyncExternalStore } from 'react';

import { recall, remember } from './stored';

/** How this person works in briefs: writing, proposing, or only reading. */
export type Mode = 'edit' | 'suggest' | 'read';

const KEY = 'mode';
const listeners = new Set<() => void>();
let mode: Mode = recall<Mode>(KEY, 'edit') === 'suggest' ? 'suggest' : 'edit';

export function setMode(next: Mode): void {
  if (next === mode) return;
  mode = next;
  // Reading is for the moment: nobody should find a brief locked the next day.
  if (next !== 'read') remember(KEY, next);
  for (const listener of listeners) listener();
}

export function useMode(): Mode {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => mode,
  );
}
