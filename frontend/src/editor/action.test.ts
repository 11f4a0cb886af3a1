import type { Editor } from '@tiptap/core';
import { NodeSelection } from '@tiptap/pm/state';
import { yUndoPluginKey } from '@tiptap/y-tiptap';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type * as Y from 'yjs';

import { openEditor, placeOf } from './testEditor';

let editor: Editor;
const AGREED = { id: 'aaaaaaaaaa', owner: 'Ana', due: '2026-03-06', status: 'doing' };

beforeEach(() => {
  editor = openEditor();
  editor.commands.setContent({
    type: 'action',
    attrs: AGREED,
    content: [{ type: 'text', text: 'Ask the dealers' }],
  });
  (
    yUndoPluginKey.getState(editor.state) as { undoManager: Y.UndoManager }
  ).undoManager.stopCapturing();
});

afterEach(() => editor.destroy());

function press(key: string): void {
  editor.view.dom.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
}

/** Kind, words and what was agreed of each block. */
function blocks(): [string, string, Record<string, unknown>][] {
  const all: [string, string, Record<string, unknown>][] = [];
  editor.state.doc.forEach((node) => {
    const agreed = Object.entries(node.attrs).filter(([name]) => name in AGREED);
    all.push([node.type.name, node.textContent, Object.fromEntries(agreed)]);
  });
  return all;
}

const begun = {
  id: expect.not.stringMatching(AGREED.id) as string,
  owner: '',
  due: '',
  status: 'open',
};

describe('Return in an action item', () => {
  it.each([
    ['at its end', 'Ask the dealers'.length, 'Ask the dealers', ''],
    ['amid its words', 'Ask '.length, 'Ask ', 'the dealers'],
  ])('%s begins another, with nothing agreed yet', (_, at, kept, next) => {
    editor.commands.setTextSelection(1 + at);
    press('Enter');
    expect(blocks()).toEqual([
      ['action', kept, AGREED],
      ['action', next, begun],
    ]);
    expect(editor.state.selection.$from.index(0)).toBe(1);
    expect(editor.state.selection.$from.parentOffset).toBe(0);
    editor.commands.undo();
    expect(blocks()).toEqual([['action', 'Ask the dealers', AGREED]]);
    editor.commands.redo();
    expect(blocks()[0]).toEqual(['action', kept, AGREED]);
  });

  it('at its start leaves all that was agreed with the words', () => {
    editor.commands.setTextSelection(1);
    press('Enter');
    expect(blocks()).toEqual([
      ['action', '', begun],
      ['action', 'Ask the dealers', AGREED],
    ]);
    editor.commands.undo();
    expect(blocks()).toEqual([['action', 'Ask the dealers', AGREED]]);
  });

  it('takes the place of the words that are selected', () => {
    const from = placeOf(editor, 'the');
    editor.commands.setTextSelection({ from, to: from + 4 });
    press('Enter');
    expect(blocks().map(([, words]) => words)).toEqual(['Ask ', 'dealers']);
  });

  it('leaves the list when it is empty, with the same id', () => {
    editor.commands.setTextSelection(1 + 'Ask the dealers'.length);
    press('Enter');
    const made = blocks()[1]?.[2].id;
    press('Enter');
    expect(blocks()[1]).toEqual(['paragraph', '', { id: made }]);
  });

  it('on a selected citation shows it and deletes nothing', () => {
    editor.commands.insertContentAt(1 + 'Ask'.length, {
      type: 'citation',
      attrs: { cite: 'cit_a' },
    });
    const { tr, doc } = editor.state;
    editor.view.dispatch(tr.setSelection(NodeSelection.create(doc, 1 + 'Ask'.length)));
    press('Enter');
    expect(blocks()).toHaveLength(1);
    expect(editor.state.doc.firstChild?.childCount).toBe(3);
  });
});
