import type { Editor } from '@tiptap/core';
import { yUndoPluginKey } from '@tiptap/y-tiptap';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as Y from 'yjs';

import { openEditor, paragraph, placeOf } from './testEditor';

let mine: Editor;
let theirs: Editor;

function openBoth(): void {
  const [one, other] = [new Y.Doc(), new Y.Doc()];
  mine = openEditor(one);
  mine.commands.setContent([
    paragraph('aaaaaaaaaa', 'first words'),
    paragraph('bbbbbbbbbb', 'second words'),
  ]);
  Y.applyUpdate(other, Y.encodeStateAsUpdate(one));
  theirs = openEditor(other);
  one.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== 'room') Y.applyUpdate(other, update, 'room');
  });
  other.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== 'room') Y.applyUpdate(one, update, 'room');
  });
}

beforeEach(openBoth);

afterEach(() => {
  mine.destroy();
  theirs.destroy();
});

function blocks(editor = mine): string[] {
  const all: string[] = [];
  editor.state.doc.forEach((node) => all.push(node.textContent));
  return all;
}

/** What follows is undone on its own. */
function nextStep(): void {
  const state = yUndoPluginKey.getState(mine.state) as { undoManager: Y.UndoManager };
  state.undoManager.stopCapturing();
}

describe('the caret', () => {
  it('stays at its letter when another writes before it in the same paragraph', () => {
    mine.commands.setTextSelection(placeOf(mine, 'words'));
    theirs.commands.insertContentAt(1, 'Their ');
    mine.commands.insertContent('good ');
    expect(blocks()).toEqual(['Their first good words', 'second words']);
    theirs.commands.deleteRange({ from: 1, to: 7 });
    mine.commands.insertContent('old ');
    expect(blocks()).toEqual(['first good old words', 'second words']);
  });

  it('goes with its block when another makes a heading of it, or moves it', () => {
    mine.commands.setTextSelection(placeOf(mine, 'words'));
    theirs.chain().setTextSelection(2).setNode('heading', { level: 2 }).run();
    mine.commands.insertContent('good ');
    expect(blocks()).toEqual(['first good words', 'second words']);
    const { tr, doc } = theirs.state;
    const first = doc.child(0);
    theirs.view.dispatch(tr.delete(0, first.nodeSize).insert(doc.child(1).nodeSize, first));
    mine.commands.insertContent('old ');
    expect(blocks()).toEqual(['second words', 'first good old words']);
    expect(blocks(theirs)).toEqual(blocks());
  });
});

describe('after an undo at the end of the text', () => {
  beforeEach(() => {
    nextStep();
    mine
      .chain()
      .setTextSelection(mine.state.doc.content.size - 1)
      .splitBlock()
      .run();
    mine.commands.insertContent('and more');
    nextStep();
    mine.commands.insertContent(' of it');
    mine.commands.undo();
    mine.commands.undo();
    expect(blocks()).toEqual(['first words', 'second words']);
  });

  it('a redo brings the words back', () => {
    mine.commands.redo();
    mine.commands.redo();
    expect(blocks()).toEqual(['first words', 'second words', 'and more of it']);
  });

  it('the words of another arrive and stay', () => {
    theirs.commands.deleteRange({ from: 0, to: theirs.state.doc.child(0).nodeSize });
    theirs.commands.insertContentAt(1, 'Their ');
    mine.commands.insertContent('!');
    expect(blocks()).toEqual(['Their second words!']);
    expect(blocks(theirs)).toEqual(blocks());
  });
});
