import { useCallback, useState } from 'react';

/** Reads a preference of this browser. Private modes may refuse storage; then the default holds. */
export function recall<T>(key: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(`stratmaster.${key}`);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

export function remember(key: string, value: unknown): void {
  try {
    localStorage.setItem(`stratmaster.${key}`, JSON.stringify(value));
  } catch {
    // a preference that cannot be kept is not worth an error
  }
}

export function useStored<T>(key: string, otherwise: T): [T, (value: T) => void] {
  const [value, setValue] = useState(() => recall(key, otherwise));
  const set = useCallback(
    (next: T) => {
      setValue(next);
      remember(key, next);
    },
    [key],
  );
  return [value, set];
}
