import { useEffect, useRef } from 'react';

/** What a key event is compared by. */
export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

export interface Shortcut {
  /** Several that belong together stand side by side. */
  keys: readonly string[];
  what: string;
  group:
    'Everywhere' | 'Evidence' | 'Brief' | 'Tables' | 'Suggestions and comments' | 'Claims' | 'Ship';
}

/** Every key of the product, as the list under Mod+/ shows it. */
export const SHORTCUTS: readonly Shortcut[] = [
  { keys: ['F6', 'Shift+F6'], what: 'Next pane, and back', group: 'Everywhere' },
  { keys: ['Mod+K'], what: 'Palette: everything by name', group: 'Everywhere' },
  { keys: ['Mod+/'], what: 'This list', group: 'Everywhere' },
  { keys: ['Mod+Enter'], what: 'Ask, or insert the sentence', group: 'Evidence' },
  { keys: ['/'], what: 'Insert a block', group: 'Brief' },
  { keys: ['[['], what: 'Cite by search', group: 'Brief' },
  { keys: ['Mod+F'], what: 'Find and replace', group: 'Brief' },
  { keys: ['Mod+Alt+1'], what: 'Heading (1 to 4)', group: 'Brief' },
  { keys: ['Mod+Alt+T'], what: 'Action item', group: 'Brief' },
  { keys: ['Mod+Shift+E'], what: 'Suggest instead of edit, and back', group: 'Brief' },
  { keys: ['Tab', 'Shift+Tab'], what: 'Next cell, and back', group: 'Tables' },
  { keys: ['Alt+Shift+↑', '↓'], what: 'Row above, below', group: 'Tables' },
  { keys: ['Alt+Shift+←', '→'], what: 'Column before, after', group: 'Tables' },
  { keys: ['Alt+Shift+Backspace'], what: 'Delete the row', group: 'Tables' },
  { keys: ['Alt+Shift+Delete'], what: 'Delete the column', group: 'Tables' },
  { keys: ['Mod+Shift+Backspace'], what: 'Delete the table', group: 'Tables' },
  { keys: ['Mod+Enter'], what: 'Go on below the table', group: 'Tables' },
  {
    keys: ['F9', 'Shift+F9'],
    what: 'Next suggestion, and back',
    group: 'Suggestions and comments',
  },
  { keys: ['Alt+Enter'], what: 'Accept it', group: 'Suggestions and comments' },
  { keys: ['Alt+Backspace'], what: 'Reject it', group: 'Suggestions and comments' },
  { keys: ['Mod+Alt+M'], what: 'Comment on the selection', group: 'Suggestions and comments' },
  { keys: ['Mod+Enter'], what: 'Send what you wrote', group: 'Suggestions and comments' },
  { keys: ['F8', 'Shift+F8'], what: 'Next unresolved claim, and back', group: 'Claims' },
  { keys: ['Mod+.'], what: 'Its card', group: 'Claims' },
  { keys: ['V'], what: 'On the card: check again', group: 'Claims' },
  { keys: ['R'], what: 'On the card: replace the evidence', group: 'Claims' },
  { keys: ['O'], what: 'On the card: mark as opinion', group: 'Claims' },
  { keys: ['Mod+Alt+E'], what: 'Dry-run: what an export would send', group: 'Ship' },
];

/**
 * Whether a key press is this combination ("Mod+Shift+K"). Mod is ⌘ on a Mac and Ctrl elsewhere.
 * Shift is ignored for signs such as "/", which some keyboards only type with it.
 */
export function matches(press: KeyPress, combination: string, mac: boolean): boolean {
  const parts = combination.split('+');
  const key = parts.pop() ?? '';
  const wants = (name: string) => parts.includes(name);
  if (press.key.toLowerCase() !== key.toLowerCase()) return false;
  const mod = mac ? press.metaKey : press.ctrlKey;
  const other = mac ? press.ctrlKey : press.metaKey;
  if (mod !== wants('Mod') || other) return false;
  if (press.altKey !== wants('Alt')) return false;
  const sign = key.length === 1 && key.toLowerCase() === key.toUpperCase();
  return sign || press.shiftKey === wants('Shift');
}

export const IS_MAC =
  typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent);

/** True where single letters are text and must stay text. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** Listens for combinations on the whole page. A handler that returns false lets the key pass on. */
export function useShortcuts(handlers: Record<string, () => unknown>): void {
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      for (const [combination, handle] of Object.entries(latest.current)) {
        if (!matches(event, combination, IS_MAC)) continue;
        const letter = combination.length === 1;
        if (letter && isTyping(event.target)) continue;
        if (handle() === false) continue;
        event.preventDefault();
        event.stopPropagation();
        return;
      }
    };
    window.addEventListener('keydown', onKey, true);
    return () => window.removeEventListener('keydown', onKey, true);
  }, []);
}
