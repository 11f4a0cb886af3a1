import type { Editor } from '@tiptap/core';
import { Slice } from '@tiptap/pm/model';
import { yUndoPluginKey } from '@tiptap/y-tiptap';
import { afterEach, describe, expect, it } from 'vitest';
import * as Y from 'yjs';

import { settleCopies } from './copies';
import { bodyOf, idsOf, openEditor, paragraph, placeOf } from './testEditor';

const editors: Editor[] = [];

function open(doc?: Y.Doc): Editor {
  const editor = openEditor(doc);
  editors.push(editor);
  return editor;
}

function withText(): Editor {
  const editor = open();
  editor.commands.setContent([
    paragraph('aaaaaaaaaa', 'first words'),
    paragraph('bbbbbbbbbb', 'second'),
  ]);
  return editor;
}

function textOf(editor: Editor): Record<string, string> {
  const all: Record<string, string> = {};
  editor.state.doc.forEach((node) => {
    all[String(node.attrs.id)] = node.textContent;
  });
  return all;
}

function expectUnique(editor: Editor): void {
  const ids = idsOf(editor);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[a-z0-9]{10}$/);
}

/** What follows is undone on its own. */
function nextStep(editor: Editor): void {
  const state = yUndoPluginKey.getState(editor.state) as { undoManager: Y.UndoManager };
  state.undoManager.stopCapturing();
}

/** Exchanges everything between two documents, as a room would. */
function meet(a: Y.Doc, b: Y.Doc): void {
  Y.applyUpdate(a, Y.encodeStateAsUpdate(b, Y.encodeStateVector(a)), 'room');
  Y.applyUpdate(b, Y.encodeStateAsUpdate(a, Y.encodeStateVector(b)), 'room');
}

afterEach(() => {
  for (const editor of editors.splice(0)) editor.destroy();
});

describe('the id of a block', () => {
  it('stays with the first half of a split and with the whole of a block split at its end', () => {
    const editor = withText();
    editor.chain().setTextSelection(placeOf(editor, 'words')).splitBlock().run();
    expectUnique(editor);
    expect(textOf(editor)).toMatchObject({ aaaaaaaaaa: 'first ', bbbbbbbbbb: 'second' });
    editor
      .chain()
      .setTextSelection(placeOf(editor, 'second') + 6)
      .splitBlock()
      .run();
    expectUnique(editor);
    expect(textOf(editor)).toMatchObject({ bbbbbbbbbb: 'second' });
  });

  it('goes with the words when Return is pressed before them', () => {
    const editor = withText();
    editor.chain().setTextSelection(placeOf(editor, 'first')).splitBlock().run();
    expectUnique(editor);
    expect(textOf(editor)).toMatchObject({ aaaaaaaaaa: 'first words' });
  });

  it('stays with the original when a copy is pasted before it or after it', () => {
    const editor = withText();
    const { doc } = editor.state;
    const copy = doc.slice(0, doc.child(0).nodeSize);
    editor.view.dispatch(editor.state.tr.insert(doc.content.size, copy.content));
    editor.view.dispatch(editor.state.tr.insert(0, copy.content));
    expectUnique(editor);
    expect(idsOf(editor)[1]).toBe('aaaaaaaaaa');
    expect(editor.state.doc.childCount).toBe(4);
  });

  it('survives cutting and pasting the block, and dragging it', () => {
    const editor = withText();
    const first = editor.state.doc.child(0);
    editor.view.dispatch(editor.state.tr.delete(0, first.nodeSize));
    editor.view.dispatch(
      editor.state.tr.replace(
        editor.state.doc.content.size,
        editor.state.doc.content.size,
        Slice.maxOpen(Slice.empty.content.addToEnd(first)),
      ),
    );
    expect(idsOf(editor)).toContain('bbbbbbbbbb');
    const moved = editor.state.doc.child(0);
    const { tr } = editor.state;
    tr.delete(0, moved.nodeSize);
    tr.insert(tr.doc.content.size, moved);
    const before = [...idsOf(editor)].sort();
    editor.view.dispatch(tr);
    expect([...idsOf(editor)].sort()).toEqual(before);
    expectUnique(editor);
  });

  it('comes back with an undo of a split and of a deletion', () => {
    const editor = withText();
    const before = textOf(editor);
    nextStep(editor);
    editor.chain().setTextSelection(placeOf(editor, 'words')).splitBlock().run();
    editor.commands.undo();
    expect(textOf(editor)).toEqual(before);
    expectUnique(editor);
    editor.commands.redo();
    expectUnique(editor);
    editor.commands.undo();
    nextStep(editor);
    editor.view.dispatch(editor.state.tr.delete(0, editor.state.doc.child(0).nodeSize));
    editor.commands.undo();
    expect(textOf(editor)).toEqual(before);
    expectUnique(editor);
  });

  it('is given to list items, rows and cells as well', () => {
    const editor = withText();
    editor.chain().focus('end').insertTable({ rows: 2, cols: 2, withHeaderRow: true }).run();
    editor.chain().setTextSelection(placeOf(editor, 'first')).toggleBulletList().run();
    editor.chain().setTextSelection(placeOf(editor, 'words')).splitListItem('listItem').run();
    expectUnique(editor);
    expect(idsOf(editor).length).toBeGreaterThan(14);
  });

  it('is unique after two people split the same block at once', () => {
    const here = withText();
    const there = new Y.Doc();
    const hereDoc = docOf(here);
    meet(hereDoc, there);
    const other = open(there);
    here.chain().setTextSelection(placeOf(here, 'words')).splitBlock().run();
    other
      .chain()
      .setTextSelection(placeOf(other, 'first') + 2)
      .splitBlock()
      .run();
    meet(hereDoc, there);
    expect(bodyOf(hereDoc).toJSON()).toBe(bodyOf(there).toJSON());
    expectUnique(here);
    expectUnique(other);
    expect(idsOf(here)).toContain('aaaaaaaaaa');
  });

  it('and its block are single again after two people cut and pasted it at once', () => {
    const here = withText();
    const there = new Y.Doc();
    const hereDoc = docOf(here);
    meet(hereDoc, there);
    const other = open(there);
    for (const editor of [here, other]) {
      const block = editor.state.doc.child(0);
      editor.view.dispatch(editor.state.tr.delete(0, block.nodeSize));
      editor.view.dispatch(editor.state.tr.insert(editor.state.doc.content.size, block));
    }
    meet(hereDoc, there);
    const present = new Set([hereDoc.clientID, there.clientID]);
    const settled = settleCopies(bodyOf(hereDoc), present) + settleCopies(bodyOf(there), present);
    expect(settled).toBe(1);
    meet(hereDoc, there);
    expect(bodyOf(hereDoc).toJSON()).toBe(bodyOf(there).toJSON());
    expectUnique(here);
    expect(Object.values(textOf(here)).filter((text) => text === 'first words')).toHaveLength(1);
  });

  it('of somebody else’s blocks is left alone: only who made a duplicate renumbers it', () => {
    const here = withText();
    const there = new Y.Doc();
    const hereDoc = docOf(here);
    meet(hereDoc, there);
    const copy = new Y.XmlElement('paragraph');
    copy.setAttribute('id', 'aaaaaaaaaa');
    copy.insert(0, [new Y.XmlText('other words')]);
    bodyOf(there).insert(0, [copy]);
    meet(hereDoc, there);
    const present = new Set([hereDoc.clientID, there.clientID]);
    const authors = [hereDoc, there].sort((a, b) => a.clientID - b.clientID);
    const [older, younger] = authors;
    if (!older || !younger) throw new Error('two documents');
    expect(settleCopies(bodyOf(older), present)).toBe(0);
    expect(settleCopies(bodyOf(younger), present)).toBe(1);
    expect(settleCopies(bodyOf(younger), present)).toBe(0);
  });
});

function docOf(editor: Editor): Y.Doc {
  const extension = editor.extensionManager.extensions.find(({ name }) => name === 'collaboration');
  return (extension?.options as { document: Y.Doc }).document;
}
