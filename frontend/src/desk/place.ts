import { useSyncExternalStore } from 'react';

import { formatPlace, NOWHERE, parsePlace, type Place, type Selected } from './url';

/* One selection for all panes. The address is its only home, so back and forward just work. */

const listeners = new Set<() => void>();
let place: Place = read();

function read(): Place {
  return parsePlace(location.pathname, location.search);
}

function tell(): void {
  for (const listener of listeners) listener();
}

window.addEventListener('popstate', () => {
  place = read();
  tell();
});

export function getPlace(): Place {
  return place;
}

/** Goes somewhere else. `replace` is for corrections a person should not step back into. */
export function go(change: Partial<Place>, options: { replace?: boolean } = {}): void {
  const next = { ...place, ...change };
  const url = formatPlace(next);
  if (url === location.pathname + location.search) {
    place = next;
    tell();
    return;
  }
  place = next;
  if (options.replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  tell();
}

/** Goes to another brief, or to a space's first one; tabs stay, the selection does not. */
export function goTo(space: string, brief: string | null): void {
  go({ ...NOWHERE, left: place.left === 'reader' ? 'ask' : place.left, space, brief, sel: null });
}

/** Selects for all panes; what can be read opens in the reader. */
export function select(sel: Selected | null): void {
  const readable = sel?.kind === 'cite' || sel?.kind === 'at';
  go(readable ? { sel, left: 'reader' } : { sel });
}

export function subscribePlace(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function usePlace(): Place {
  return useSyncExternalStore(subscribePlace, getPlace);
}
