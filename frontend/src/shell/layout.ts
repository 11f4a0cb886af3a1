import { useSyncExternalStore } from 'react';

export const PANES = ['evidence', 'brief', 'checks'] as const;
export type PaneId = (typeof PANES)[number];

export const PANE_NAMES: Record<PaneId, string> = {
  evidence: 'Evidence',
  brief: 'Brief',
  checks: 'Checks & Ship',
};

/** Shares of the width a new browser starts with. */
export const PANE_SHARES: Record<PaneId, number> = { evidence: 28, brief: 44, checks: 28 };

const WIDE = '(min-width: 1024px)';

/** Whether three panes fit side by side; otherwise they become tabs. */
export function useWide(): boolean {
  return useSyncExternalStore(
    (listener) => {
      const query = window.matchMedia(WIDE);
      query.addEventListener('change', listener);
      return () => query.removeEventListener('change', listener);
    },
    () => window.matchMedia(WIDE).matches,
  );
}

/** The pane after (or before) the one that holds the focus, round the end. */
export function nextPane(from: PaneId | null, direction: 1 | -1): PaneId {
  const at = from === null ? (direction === 1 ? -1 : 0) : PANES.indexOf(from);
  return PANES[(at + direction + PANES.length) % PANES.length] ?? 'evidence';
}

export function paneOf(element: Element | null): PaneId | null {
  const id = element?.closest<HTMLElement>('[data-pane]')?.dataset['pane'];
  return PANES.find((pane) => pane === id) ?? null;
}

export function focusPane(pane: PaneId): void {
  document.querySelector<HTMLElement>(`[data-pane="${pane}"]`)?.focus();
}
