import type { Editor } from '@tiptap/core';
import { yUndoPluginKey } from '@tiptap/y-tiptap';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type * as Y from 'yjs';

import { openEditor } from './testEditor';

let editor: Editor;

beforeEach(() => {
  editor = openEditor();
  editor.commands.setContent([
    {
      type: 'action',
      attrs: { id: 'aaaaaaaaaa', status: 'open' },
      content: [{ type: 'text', text: 'Ask the dealers' }],
    },
    { type: 'paragraph', attrs: { id: 'bbbbbbbbbb' }, content: [{ type: 'text', text: 'Words' }] },
  ]);
  (
    yUndoPluginKey.getState(editor.state) as { undoManager: Y.UndoManager }
  ).undoManager.stopCapturing();
  editor.commands.setElsewhere([
    { block: 'aaaaaaaaaa', status: 'done', where: 'Jira' },
    { block: 'bbbbbbbbbb', status: 'done', where: 'Jira' },
  ]);
});

afterEach(() => editor.destroy());

const chips = () => [...editor.view.dom.querySelectorAll<HTMLElement>('.elsewhere')];
const status = () => editor.state.doc.child(0).attrs.status as string;

it('a status that changed over there stands beside its action, and on nothing else', () => {
  expect(chips().map((chip) => chip.textContent)).toEqual(['Done in JiraTake over']);
  expect(editor.state.doc.child(0).textContent).toBe('Ask the dealers');
  editor.commands.setElsewhere([]);
  expect(chips()).toEqual([]);
});

it('taking it over is an edit of one’s own: it can be undone, and the chip goes and comes', () => {
  chips()[0]?.querySelector('button')?.click();
  expect(status()).toBe('done');
  expect(chips()).toEqual([]);
  editor.commands.undo();
  expect(status()).toBe('open');
  expect(chips()).toHaveLength(1);
});

it('takes nothing over in a brief that is only read', () => {
  editor.setEditable(false);
  chips()[0]?.querySelector('button')?.click();
  expect(status()).toBe('open');
});
