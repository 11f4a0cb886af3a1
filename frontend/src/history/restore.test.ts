import type { JSONContent } from '@tiptap/core';
import { yUndoPluginKey, ySyncPluginKey } from '@tiptap/y-tiptap';
import { afterEach, describe, expect, it } from 'vitest';
import * as Y from 'yjs';

import { chance } from '../editor/testChance';
import { bodyOf, idsOf, openEditor, paragraph } from '../editor/testEditor';
import { restoreVersion } from './restore';

const editors: ReturnType<typeof openEditor>[] = [];
afterEach(() => editors.splice(0).forEach((editor) => editor.destroy()));

/** An editor on this content, and the version of it that this is. */
function begin(...content: JSONContent[]) {
  const doc = new Y.Doc();
  const editor = openEditor(doc);
  editors.push(editor);
  doc.getText('title').insert(0, 'Plan');
  editor.commands.setContent(content);
  return { doc, editor, version: versionOf(doc) };
}

function versionOf(doc: Y.Doc): Y.Doc {
  const version = new Y.Doc();
  Y.applyUpdate(version, Y.encodeStateAsUpdate(doc));
  return version;
}

function says(doc: Y.Doc): unknown {
  return [doc.getText('title').toDelta(), outline(bodyOf(doc))];
}

function outline(node: Y.XmlFragment | Y.XmlElement): unknown {
  return node.toArray().map((child) => {
    if (child instanceof Y.XmlText) return child.toDelta() as unknown;
    if (!(child instanceof Y.XmlElement)) return null;
    const attributes = Object.entries(child.getAttributes()).sort(([a], [b]) => (a < b ? -1 : 1));
    return [child.nodeName, attributes, outline(child)];
  });
}

/** The shared element of each block, to see that it is the same one afterwards. */
function elements(doc: Y.Doc): Map<string, Y.XmlElement> {
  const found = new Map<string, Y.XmlElement>();
  for (const child of bodyOf(doc).toArray())
    if (child instanceof Y.XmlElement) found.set(String(child.getAttribute('id')), child);
  return found;
}

const FIVE = ['a', 'b', 'c', 'd', 'e'].map((id) => paragraph(id.repeat(10), `Words of ${id}.`));

describe('restoring a version', () => {
  it('touches only the blocks that differ, and keeps all ids', () => {
    const { doc, editor, version } = begin(...FIVE);
    const before = elements(doc);
    editor.commands.insertContentAt(10, 'more ');
    editor.commands.deleteRange({ from: 17, to: 36 });
    editor.commands.insertContentAt(
      editor.state.doc.content.size,
      paragraph('n'.repeat(10), 'New'),
    );
    const changed = elements(doc);
    expect(says(doc)).not.toEqual(says(version));

    const touched = restoreVersion(doc, version, ySyncPluginKey);
    expect(says(doc)).toEqual(says(version));
    expect(touched).toBeLessThan(5);
    expect(idsOf(editor)).toEqual(FIVE.map((block) => String(block.attrs?.id)));
    for (const [id, element] of elements(doc))
      if (changed.get(id) === before.get(id)) expect(element === before.get(id)).toBe(true);
    expect(editor.state.doc.textContent).toBe(
      'Words of a.Words of b.Words of c.Words of d.Words of e.',
    );
  });

  it('does nothing to a document that says the same', () => {
    const { doc, version } = begin(...FIVE);
    let updates = 0;
    doc.on('update', () => (updates += 1));
    expect(restoreVersion(doc, version, ySyncPluginKey)).toBe(0);
    expect(updates).toBe(0);
  });

  it('changes within a sentence only the words that differ', () => {
    const { doc, editor, version } = begin(paragraph('a'.repeat(10), 'It grew by 12 % in 2025.'));
    editor.commands.insertContentAt({ from: 12, to: 14 }, '13');
    const [text] = elements(doc).get('a'.repeat(10))?.toArray() ?? [];
    const place = Y.createRelativePositionFromTypeIndex(text as Y.XmlText, 18);
    expect(restoreVersion(doc, version, ySyncPluginKey)).toBe(1);
    expect(editor.state.doc.textContent).toBe('It grew by 12 % in 2025.');
    expect(Y.createAbsolutePositionFromRelativePosition(place, doc)?.index).toBe(18);
  });

  it('leaves citations of unchanged words as they are and brings back those that went', () => {
    const id = 'a'.repeat(10);
    const { doc, editor, version } = begin(
      paragraph(id, 'One', { cite: 'cit_1' }, ' and two', { cite: 'cit_2' }, '.'),
    );
    const kept = elements(doc).get(id)?.toArray()[1];
    editor.commands.deleteRange({ from: 13, to: 14 });
    restoreVersion(doc, version, ySyncPluginKey);
    expect(says(doc)).toEqual(says(version));
    expect(elements(doc).get(id)?.toArray()[1]).toBe(kept);
  });

  it('takes looks off and puts them on without writing the words anew', () => {
    const id = 'a'.repeat(10);
    const { doc, editor, version } = begin(paragraph(id, 'Plain words here.'));
    editor.chain().setTextSelection({ from: 7, to: 12 }).setBold().run();
    const length = () => Y.encodeStateAsUpdate(doc).length;
    const before = length();
    restoreVersion(doc, version, ySyncPluginKey);
    expect(editor.getHTML()).not.toContain('<strong>');
    expect(length() - before).toBeLessThan(60);
  });

  it('is undone in one step, title and all, back to exactly what was there', () => {
    const { doc, editor, version } = begin(...FIVE);
    editor.commands.deleteRange({ from: 1, to: 20 });
    editor.commands.insertContentAt(
      editor.state.doc.content.size,
      paragraph('n'.repeat(10), 'New'),
    );
    doc.getText('title').insert(4, ' B');
    const before = says(doc);
    const { undoManager } = yUndoPluginKey.getState(editor.state) as {
      undoManager: Y.UndoManager;
    };
    undoManager.addToScope(doc.getText('title'));
    undoManager.stopCapturing();
    restoreVersion(doc, version, ySyncPluginKey);
    expect(says(doc)).toEqual(says(version));
    editor.commands.undo();
    expect(says(doc)).toEqual(before);
    editor.commands.redo();
    expect(says(doc)).toEqual(says(version));
  });

  it('meets another window that restores the same, and one that writes on', () => {
    const { doc, editor, version } = begin(...FIVE);
    editor.commands.deleteRange({ from: 1, to: 30 });
    const other = versionOf(doc);
    const there = openEditor(other);
    editors.push(there);
    there.commands.insertContentAt(
      there.state.doc.content.size,
      paragraph('n'.repeat(10), 'Mine.'),
    );
    restoreVersion(doc, version, ySyncPluginKey);
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(other), 'room');
    Y.applyUpdate(other, Y.encodeStateAsUpdate(doc), 'room');
    expect(says(doc)).toEqual(says(other));
    expect(there.state.doc.textContent).toBe(
      'Words of a.Words of b.Words of c.Words of d.Words of e.Mine.',
    );
  });
});

it.each([1, 2, 3, 4, 5, 6])('brings back any state by random edits (seed %i)', (seed) => {
  const pick = chance(seed);
  const { doc, editor } = begin(
    ...FIVE,
    {
      type: 'heading',
      attrs: { id: 'h'.repeat(10), level: 2 },
      content: [{ type: 'text', text: 'H' }],
    },
    {
      type: 'bulletList',
      attrs: { id: 'l'.repeat(10) },
      content: ['x', 'y'].map((id) => ({
        type: 'listItem',
        attrs: { id: id.repeat(10) },
        content: [paragraph(`p${id.repeat(9)}`, `Item ${id} 😀`)],
      })),
    },
  );
  const versions: Y.Doc[] = [];
  for (let round = 0; round < 40; round += 1) {
    const { size } = editor.state.doc.content;
    const at = 1 + pick(Math.max(1, size - 1));
    switch (pick(7)) {
      case 0:
        editor.commands.insertContentAt(at, 'word ');
        break;
      case 1:
        editor.commands.deleteRange({ from: at, to: Math.min(size, at + pick(12)) });
        break;
      case 2:
        editor.chain().setTextSelection(at).splitBlock().run();
        break;
      case 3:
        editor
          .chain()
          .setTextSelection({ from: at, to: Math.min(size, at + 4) })
          .toggleBold()
          .run();
        break;
      case 4:
        editor.chain().setTextSelection(at).toggleHeading({ level: 3 }).run();
        break;
      case 5:
        editor.commands.insertContentAt(at, { type: 'citation', attrs: { cite: `cit_${round}` } });
        break;
      default:
        doc.getText('title').insert(0, 'T');
    }
    if (round % 5 === 0) versions.push(versionOf(doc));
  }
  while (versions.length > 0) {
    const [version] = versions.splice(pick(versions.length), 1);
    if (!version) break;
    restoreVersion(doc, version, ySyncPluginKey);
    expect(says(doc)).toEqual(says(version));
  }
});
