import type { Editor } from '@tiptap/core';
import { afterEach, expect, it, vi } from 'vitest';

import { openEditor, paragraph } from './testEditor';

let editor: Editor;

afterEach(() => {
  editor.destroy();
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

it('has the focus before the next key, however late the next frame is', async () => {
  vi.stubGlobal('requestAnimationFrame', () => 0);
  editor = openEditor();
  editor.commands.setContent([paragraph('aaaaaaaaaa', 'One'), { type: 'horizontalRule' }]);
  const button = document.body.appendChild(document.createElement('button'));
  button.focus();
  editor.chain().focus('end').insertContent({ type: 'paragraph' }).run();
  await Promise.resolve();
  expect(document.activeElement).toBe(editor.view.dom);
});

it('takes the focus before it takes keys, and says which', () => {
  editor = openEditor();
  editor.setEditable(false);
  const { dom } = editor.view;
  expect(dom.getAttribute('aria-readonly')).toBe('true');
  dom.focus();
  expect(document.activeElement).toBe(dom);
  editor.setEditable(true);
  expect(document.activeElement).toBe(dom);
  expect(dom.getAttribute('aria-readonly')).toBe('false');
});
