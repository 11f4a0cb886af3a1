import type { Editor } from '@tiptap/core';
import { afterEach, expect, it } from 'vitest';

import { hearSelection } from './heard';
import { openEditor, paragraph } from './testEditor';

let editor: Editor;

afterEach(() => {
  editor.destroy();
  document.body.replaceChildren();
});

function selectInPage(from: number, to: number): void {
  const text = editor.view.dom.querySelector('p')?.firstChild;
  if (text) document.getSelection()?.setBaseAndExtent(text, from, text, to);
}

it('knows of words selected in the page before the browser has told of them', () => {
  editor = openEditor();
  document.body.append(editor.view.dom);
  editor.commands.setContent([paragraph('aaaaaaaaaa', 'One two')]);
  editor.commands.setTextSelection(1);
  selectInPage(0, 3);
  expect(editor.state.selection.empty).toBe(true);
  hearSelection(editor.view);
  const { from, to } = editor.state.selection;
  expect(editor.state.doc.textBetween(from, to)).toBe('One');
});

it('leaves a selection alone that it knows, and one that is elsewhere', () => {
  editor = openEditor();
  document.body.append(editor.view.dom);
  editor.commands.setContent([paragraph('aaaaaaaaaa', 'One two')]);
  editor.commands.setTextSelection({ from: 5, to: 8 });
  selectInPage(0, 3);
  hearSelection(editor.view);
  expect(editor.state.selection.from).toBe(5);
  editor.commands.setTextSelection(1);
  const other = document.body.appendChild(document.createElement('p'));
  other.append('elsewhere');
  document.getSelection()?.selectAllChildren(other);
  hearSelection(editor.view);
  expect(editor.state.selection.empty).toBe(true);
});
