import { describe, expect, it } from 'vitest';

import { type KeyPress, matches } from './shortcuts';

function press(key: string, held: Partial<KeyPress> = {}): KeyPress {
  return { key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held };
}

describe('keys', () => {
  it('takes Mod as Ctrl here and as ⌘ on a Mac, never the other one', () => {
    expect(matches(press('k', { ctrlKey: true }), 'Mod+K', false)).toBe(true);
    expect(matches(press('k', { metaKey: true }), 'Mod+K', true)).toBe(true);
    expect(matches(press('k', { ctrlKey: true }), 'Mod+K', true)).toBe(false);
    expect(matches(press('k', { ctrlKey: true, metaKey: true }), 'Mod+K', false)).toBe(false);
  });

  it('tells F8 from Shift+F8', () => {
    expect(matches(press('F8'), 'F8', false)).toBe(true);
    expect(matches(press('F8', { shiftKey: true }), 'F8', false)).toBe(false);
    expect(matches(press('F8', { shiftKey: true }), 'Shift+F8', false)).toBe(true);
  });

  it('accepts a sign however the keyboard makes it', () => {
    expect(matches(press('/', { ctrlKey: true, shiftKey: true }), 'Mod+/', false)).toBe(true);
    expect(matches(press('.', { ctrlKey: true }), 'Mod+.', false)).toBe(true);
  });

  it('does not take a letter with Alt, which types another character', () => {
    expect(matches(press('k', { ctrlKey: true, altKey: true }), 'Mod+K', false)).toBe(false);
    expect(matches(press('v', { ctrlKey: true }), 'V', false)).toBe(false);
  });
});
