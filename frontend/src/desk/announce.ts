import { useSyncExternalStore } from 'react';

/* What the polite live region says. Equal messages in a row are told apart, or they would be silent. */

const listeners = new Set<() => void>();
let spoken = '';

export function announce(message: string): void {
  spoken = message === spoken ? `${message}\u00a0` : message;
  for (const listener of listeners) listener();
}

export function useSpoken(): string {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => spoken,
  );
}
