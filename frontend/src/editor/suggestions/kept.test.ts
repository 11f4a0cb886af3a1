import type { Editor, JSONContent } from '@tiptap/core';
import type { Node } from '@tiptap/pm/model';
import { EditorState, TextSelection } from '@tiptap/pm/state';
import { afterEach, describe, expect, it } from 'vitest';
import * as Y from 'yjs';

import { followTouched } from '../../session/touched';
import { chance } from '../testChance';
import { openEditor, paragraph } from '../testEditor';
import { acceptAll, rejectAll, suggestCopy, suggestionsIn } from '.';
import { openSuggesting } from './testSuggest';

const ME = { id: 'ada', name: 'Ada', kind: 'person' } as const;
const BEFORE: JSONContent[] = [
  paragraph('p000000001', 'Revenue grew.', { cite: 'cit_1' }),
  {
    type: 'heading',
    attrs: { id: 'h000000001', level: 2 },
    content: [{ type: 'text', text: 'Costs' }],
  },
  paragraph('p000000002', 'Costs fell.'),
  {
    type: 'bulletList',
    attrs: { id: 'l000000001' },
    content: ['one', 'two'].map((word, n) => ({
      type: 'listItem',
      attrs: { id: `i00000000${n}` },
      content: [paragraph(`q00000000${n}`, word)],
    })),
  },
  paragraph('p000000003', 'Margins held.'),
  paragraph('p000000004', 'The end.'),
];

const editors: Editor[] = [];
afterEach(() => editors.splice(0).forEach((editor) => editor.destroy()));

function opened(editor: Editor, content = BEFORE): Editor {
  editors.push(editor);
  editor.commands.setContent({ type: 'doc', content });
  return editor;
}

function docOf(editor: Editor): Y.Doc {
  const field = editor.extensionManager.extensions.find(({ name }) => name === 'collaboration');
  return (field?.options as { document: Y.Doc }).document;
}

/** One person's copy, and which of its blocks were touched from then on. */
function local(): { editor: Editor; doc: Y.Doc; touched: () => readonly string[] } {
  const doc = new Y.Doc();
  const editor = opened(openEditor(doc));
  const touched = followTouched(doc, () => true);
  return { editor, doc, touched: () => touched.all() };
}

function server(content = BEFORE): Editor {
  return opened(openEditor(), content);
}

function wordsOf(node: Node): string {
  const parts: string[] = [];
  node.descendants((child) => {
    if (child.isTextblock)
      parts.push(`${child.type.name}: ${child.textBetween(0, child.content.size, '', '•')}`);
    return !child.isTextblock;
  });
  return node.isTextblock
    ? `${node.type.name}: ${node.textBetween(0, node.content.size, '', '•')}`
    : `${node.type.name}(${parts.join('|')})`;
}

function lines(doc: Node): string[] {
  return Array.from({ length: doc.childCount }, (_, n) => wordsOf(doc.child(n)));
}

function byId(doc: Node): Map<string, string> {
  const found = new Map<string, string>();
  doc.forEach((node) => found.set(String(node.attrs.id), wordsOf(node)));
  return found;
}

const acceptedOf = ({ state }: Editor) => acceptAll(EditorState.create({ doc: state.doc })).doc;
const rejectedOf = ({ state }: Editor) => rejectAll(EditorState.create({ doc: state.doc })).doc;

function type(editor: Editor, block: string, words: string): void {
  editor.state.doc.forEach((node, pos) => {
    if (node.attrs.id === block) editor.commands.insertContentAt(pos + node.nodeSize - 1, words);
  });
}

function remove(editor: Editor, block: string): void {
  editor.state.doc.forEach((node, pos) => {
    if (node.attrs.id !== block) return;
    editor.view.dispatch(editor.state.tr.delete(pos, pos + node.nodeSize));
  });
}

describe('the changes of a copy that was kept', () => {
  it('are suggested for the blocks that were touched, and for no other', () => {
    const mine = local();
    type(mine.editor, 'p000000002', ' By a third.');
    remove(mine.editor, 'p000000003');
    mine.editor.commands.insertContentAt(
      mine.editor.state.doc.content.size,
      paragraph('n000000001', 'New.'),
    );
    const theirs = server([
      paragraph('p000000001', 'Revenue fell.'),
      ...BEFORE.slice(1),
      paragraph('s000000001', 'Theirs.'),
    ]);
    const before = lines(theirs.state.doc);
    expect([...mine.touched()].sort()).toEqual(['n000000001', 'p000000002', 'p000000003']);

    expect(suggestCopy(theirs, mine.doc, mine.touched(), ME)).toBe(3);
    expect(lines(acceptedOf(theirs))).toEqual([
      'paragraph: Revenue fell.',
      'heading: Costs',
      'paragraph: Costs fell. By a third.',
      'bulletList(paragraph: one|paragraph: two)',
      'paragraph: The end.',
      'paragraph: New.',
      'paragraph: Theirs.',
    ]);
    expect(lines(rejectedOf(theirs))).toEqual(before);
    expect(suggestionsIn(theirs.state.doc).every(({ author }) => author === 'ada')).toBe(true);
  });

  it('are not suggested twice, whatever was cut off in between', () => {
    const mine = local();
    type(mine.editor, 'p000000002', ' By a third.');
    remove(mine.editor, 'p000000003');
    mine.editor.commands.insertContentAt(0, paragraph('n000000001', 'New.'));
    const theirs = server();
    suggestCopy(theirs, mine.doc, mine.touched().slice(0, 1), ME);
    suggestCopy(theirs, mine.doc, mine.touched(), ME);
    const { doc } = theirs.state;
    expect(suggestCopy(theirs, mine.doc, mine.touched(), ME)).toBe(0);
    expect(theirs.state.doc.eq(doc)).toBe(true);
    expect(lines(acceptedOf(theirs))).toEqual(lines(mine.editor.state.doc));
  });

  it('come back whole where the server has lost everything', () => {
    const mine = local();
    type(mine.editor, 'p000000002', ' By a third.');
    const theirs = server([{ type: 'paragraph' }]);
    expect(suggestCopy(theirs, mine.doc, null, ME)).toBeGreaterThan(0);
    const got = lines(acceptedOf(theirs)).filter((line) => line !== 'paragraph: ');
    expect(got).toEqual(lines(mine.editor.state.doc));
  });

  it('count what was itself only suggested', () => {
    const doc = new Y.Doc();
    const editor = opened(openSuggesting('Ada', doc, false));
    const touched = followTouched(doc, () => true);
    editor.commands.setSuggesting(true);
    type(editor, 'p000000002', ' By a third.');
    // The second paragraph joins the heading above it.
    const at = editor.state.doc.resolve(placeOfBlock(editor, 'p000000004') + 1).pos;
    editor.view.dispatch(editor.state.tr.setSelection(TextSelection.create(editor.state.doc, at)));
    editor.commands.joinBackward();
    const theirs = server();
    suggestCopy(theirs, doc, touched.all(), ME);
    expect(lines(acceptedOf(theirs))).toEqual(lines(acceptedOf(editor)));
    expect(lines(rejectedOf(theirs))).toEqual(lines(server().state.doc));
  });
});

function placeOfBlock(editor: Editor, id: string): number {
  let found = -1;
  editor.state.doc.forEach((node, pos) => {
    if (node.attrs.id === id) found = pos;
  });
  return found;
}

/** Writes, deletes, splits, joins, formats or relabels somewhere. */
function someEdit(editor: Editor, pick: (below: number) => number, sign: string): void {
  const places: number[] = [];
  editor.state.doc.descendants((node, pos) => {
    if (node.isTextblock)
      for (let at = pos + 1; at <= pos + node.content.size + 1; at += 1) places.push(at);
    return !node.isTextblock;
  });
  const at = places[pick(places.length)] ?? 1;
  const end = places[Math.min(places.length - 1, places.indexOf(at) + 1 + pick(9))] ?? at;
  const { state } = editor;
  const select = (from: number, to: number) =>
    editor.view.dispatch(state.tr.setSelection(TextSelection.create(state.doc, from, to)));
  const what = pick(10);
  if (what < 4) editor.view.dispatch(state.tr.insertText(`${sign}${pick(1000)} `, at));
  else if (what < 6) {
    select(at, end);
    editor.commands.deleteSelection();
  } else if (what === 6) {
    select(at, at);
    editor.commands.splitBlock();
  } else if (what === 7) {
    select(at, end);
    editor.commands.toggleBold();
  } else if (what === 8) {
    select(at, at);
    editor.commands.toggleHeading({ level: 2 });
  } else editor.commands.insertContentAt(state.doc.content.size, `<p>${sign} ${pick(1e6)}</p>`);
}

describe('any changes of a copy', () => {
  it.each(Array.from({ length: 25 }, (_, seed) => seed))(
    'accepted say what the copy says in the blocks it touched, and rejected what the server says (%i)',
    (seed) => {
      const pick = chance(seed);
      const mine = local();
      for (let n = 1 + pick(12); n > 0; n -= 1) someEdit(mine.editor, pick, 'm');
      const theirs = server();
      for (let n = pick(8); n > 0; n -= 1) someEdit(theirs, pick, 's');
      const before = lines(theirs.state.doc);
      const [inServer, inCopy] = [byId(theirs.state.doc), byId(mine.editor.state.doc)];
      suggestCopy(theirs, mine.doc, mine.touched(), ME);

      expect(lines(rejectedOf(theirs))).toEqual(before);
      const accepted = acceptedOf(theirs);
      const now = byId(accepted);
      const said = lines(accepted);
      for (const id of mine.touched()) {
        const words = inCopy.get(id);
        if (words === undefined) expect(now.has(id), id).toBe(false);
        else expect(said, id).toContain(words);
      }
      for (const [id, words] of inServer)
        if (!mine.touched().includes(id)) expect(now.get(id), id).toBe(words);
      const { doc } = theirs.state;
      suggestCopy(theirs, mine.doc, mine.touched(), ME);
      expect(theirs.state.doc.eq(doc), 'the same again changed something').toBe(true);
      // What the shared document holds is what the editor shows.
      const other = openEditor(docOf(theirs));
      editors.push(other);
      expect(lines(other.state.doc)).toEqual(lines(theirs.state.doc));
    },
  );
});
