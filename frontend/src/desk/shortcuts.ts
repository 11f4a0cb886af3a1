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
  keys: string;
  what: string;
  group: 'Everywhere' | 'Evidence' | 'Brief' | 'Checks';
}

/** Every key of the product, as the list under Mod+/ shows it. */
export const SHORTCUTS: readonly Shortcut[] = [
  { keys: 'F6', what: 'Next pane', group: 'Everywhere' },
  { keys: 'Shift+F6', what: 'Previous pane', group: 'Everywhere' },
  { keys: 'Mod+K', what: 'Palette: everything by name', group: 'Everywhere' },
  { keys: 'Mod+/', what: 'This list', group: 'Everywhere' },
  {
    keys: 'Mod+Enter',
    what: 'Run the question, or insert the selected sentence',
    group: 'Evidence',
  },
  { keys: '[[', what: 'Cite by search', group: 'Brief' },
  { keys: '/', what: 'Insert a block', group: 'Brief' },
  { keys: 'Mod+F', what: 'Find and replace', group: 'Brief' },
  {
    keys: 'Alt+Shift+ArrowDown',
    what: 'In a table: row below (or above, or a column)',
    group: 'Brief',
  },
  {
    keys: 'Alt+Shift+Backspace',
    what: 'In a table: delete the row (Delete: the column)',
    group: 'Brief',
  },
  { keys: 'Mod+Shift+Backspace', what: 'Delete the table', group: 'Brief' },
  { keys: 'Mod+Alt+M', what: 'Comment on the selected words', group: 'Brief' },
  { keys: 'Mod+Shift+E', what: 'Suggest instead of edit, and back', group: 'Brief' },
  { keys: 'F9', what: 'Next suggestion', group: 'Brief' },
  { keys: 'Shift+F9', what: 'Previous suggestion', group: 'Brief' },
  { keys: 'Alt+Enter', what: 'Accept the suggestion at the caret', group: 'Brief' },
  { keys: 'Alt+Backspace', what: 'Reject the suggestion at the caret', group: 'Brief' },
  { keys: 'F8', what: 'Next unresolved claim', group: 'Checks' },
  { keys: 'Shift+F8', what: 'Previous unresolved claim', group: 'Checks' },
  { keys: 'Mod+.', what: 'Claim card', group: 'Checks' },
  { keys: 'V', what: 'Claim card: check again', group: 'Checks' },
  { keys: 'R', what: 'Claim card: replace the evidence', group: 'Checks' },
  { keys: 'O', what: 'Claim card: mark as opinion', group: 'Checks' },
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
