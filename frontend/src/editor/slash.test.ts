import type { Editor } from '@tiptap/core';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { openEditor } from './testEditor';

let editor: Editor;

beforeEach(() => {
  editor = openEditor();
  editor.commands.setContent({ type: 'paragraph' });
});

afterEach(() => {
  editor.destroy();
  document.body.replaceChildren();
});

function type(text: string): void {
  for (const letter of text) editor.view.dispatch(editor.state.tr.insertText(letter));
}

function press(key: string): void {
  editor.view.dom.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
}

function menu(): (string | null)[] | null {
  const list = document.querySelector('[role=listbox][aria-label=Blocks]');
  return (
    list && [...list.querySelectorAll('.editor-list-title')].map(({ textContent }) => textContent)
  );
}

it('finds a block by a title of two words, and by several words in any order', async () => {
  type('/numbered list');
  await vi.waitFor(() => expect(menu()).toEqual(['Numbered list']));
  press('Enter');
  expect(editor.isActive('orderedList')).toBe(true);
  expect(editor.state.doc.textContent).toBe('');
  type('/todo item');
  await vi.waitFor(() => expect(menu()).toEqual(['Action item']));
});

it.each(['/action  ', '/ ', '/margin or ', '/and/', 'one/two'])(
  'is closed at “%s”',
  async (text) => {
    type('/action');
    await vi.waitFor(() => expect(menu()).toEqual(['Action item']));
    editor.commands.clearContent();
    type(text);
    await Promise.resolve();
    expect(menu()).toBeNull();
  },
);

it('opens right after a divider and right after a citation', async () => {
  editor.commands.setHorizontalRule();
  type('/grid');
  await vi.waitFor(() => expect(menu()).toEqual(['Table']));
  editor.commands.clearContent();
  expect(menu()).toBeNull();
  editor.commands.insertCitation('cit_a');
  type('/grid');
  await vi.waitFor(() => expect(menu()).toEqual(['Table']));
});

it('stays closed after Escape, whatever is typed next', async () => {
  type('/action');
  await vi.waitFor(() => expect(menu()).toEqual(['Action item']));
  press('Escape');
  type(' item');
  await Promise.resolve();
  expect(menu()).toBeNull();
});
