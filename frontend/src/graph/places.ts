import { useState } from 'react';

/** What the graph shows: the ways behind the answer, one name, or the whole space. */
export type Shown = { of: 'answer' } | { of: 'space' } | { of: 'entity'; name: string };

const shown = new Map<string, Shown>();

/** What is shown in a space; null until somebody chose. It outlives its tab. */
export function useShown(space: string): [Shown | null, (next: Shown) => void] {
  const [now, setNow] = useState(() => shown.get(space) ?? null);
  return [
    now,
    (next) => {
      shown.set(space, next);
      setNow(next);
    },
  ];
}

/** Forgets everything; for tests. */
export function forgetShown(): void {
  shown.clear();
}
