import type { Editor } from '@tiptap/core';
import { TextSelection } from '@tiptap/pm/state';
import { yUndoPluginKey } from '@tiptap/y-tiptap';
import { afterEach, describe, expect, it } from 'vitest';
import * as Y from 'yjs';

import { type Anchor, find, linesOf, Survey, type Words } from './anchors';
import {
  commentAt,
  type CommentMark,
  commentOrder,
  commentRange,
  type MovedAnchor,
  selectedAnchor,
} from './extensions/comments';
import { chance } from './testChance';
import { openEditor, paragraph, placeOf } from './testEditor';

const editors: Editor[] = [];
afterEach(() => editors.splice(0).forEach((editor) => editor.destroy()));

function open(doc: Y.Doc): Editor {
  const editor = openEditor(doc);
  editors.push(editor);
  return editor;
}

/** Two windows on one brief, the second of which hears at once what the first does. */
function openBoth(...blocks: Parameters<typeof paragraph>[]): [Editor, Editor] {
  const [one, other] = [new Y.Doc(), new Y.Doc()];
  const mine = open(one);
  mine.commands.setContent(blocks.map((block) => paragraph(...block)));
  Y.applyUpdate(other, Y.encodeStateAsUpdate(one));
  const theirs = open(other);
  one.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== 'room') Y.applyUpdate(other, update, 'room');
  });
  other.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== 'room') Y.applyUpdate(one, update, 'room');
  });
  return [mine, theirs];
}

function anchorOf(editor: Editor, text: string): Anchor {
  const from = placeOf(editor, text);
  editor.commands.setTextSelection({ from, to: from + text.length });
  const anchor = selectedAnchor(editor.state);
  if (!anchor) throw new Error(`“${text}” cannot be anchored`);
  return anchor;
}

/** Comments on these words in all windows; what moves is told to all of them, as a server would. */
function comment(windows: readonly Editor[], ...texts: string[]): CommentMark[] {
  const [first] = windows;
  if (!first) throw new Error('a window');
  const marks = texts.map((text) => ({ id: text, anchor: anchorOf(first, text), revision: 1 }));
  windows.forEach((editor) => editor.commands.setComments(marks, null));
  return marks;
}

function words(editor: Editor, id: string): string | null {
  const range = commentRange(editor.state, id);
  return range && editor.state.doc.textBetween(range.from, range.to, '\n', '•');
}

/** What somebody who opens the brief now would see of a thread. */
function later(from: Editor, mark: CommentMark): string | null {
  const doc = new Y.Doc();
  const { doc: source } =
    (from.state as unknown as Record<string, { doc: Y.Doc }>)['y-sync$'] ?? {};
  if (source) Y.applyUpdate(doc, Y.encodeStateAsUpdate(source));
  const editor = open(doc);
  editor.commands.setComments([mark], null);
  return words(editor, mark.id);
}

function nextStep(editor: Editor): void {
  const state = yUndoPluginKey.getState(editor.state) as { undoManager: Y.UndoManager };
  state.undoManager.stopCapturing();
}

/** Notes what a window tells of anchors that moved. */
function telling(editor: Editor): MovedAnchor[] {
  const told: MovedAnchor[] = [];
  editor.on('commentsMoved', ({ moved }) => told.push(...moved));
  return told;
}

describe('commented words', () => {
  it('are marked where they stand and found by a click, the shorter ones first', () => {
    const [mine, theirs] = openBoth(['aaaaaaaaaa', 'Revenue grew 12 % in 2025.']);
    comment([mine, theirs], 'grew 12 % in', '12 %');
    expect(commentOrder(theirs.state)).toEqual(['grew 12 % in', '12 %']);
    expect(theirs.view.dom.querySelectorAll('.commented').length).toBeGreaterThan(0);
    expect(theirs.getHTML()).not.toContain('commented');
    expect(commentAt(theirs.state, placeOf(theirs, '2 %'))).toBe('12 %');
    expect(commentAt(theirs.state, placeOf(theirs, 'rew'))).toBe('grew 12 % in');
    expect(commentAt(theirs.state, 2)).toBeNull();
  });

  it('take in what is written between them and leave out what is written beside them', () => {
    const [mine, theirs] = openBoth(['aaaaaaaaaa', 'Revenue grew 12 % in 2025.']);
    comment([mine, theirs], 'grew 12 %');
    for (const [at, text] of [
      ['grew', 'surely '],
      [' in 2025', ' (net)'],
      ['12', 'about '],
    ] as const)
      theirs.commands.insertContentAt(placeOf(theirs, at), text);
    expect(words(mine, 'grew 12 %')).toBe('grew about 12 %');
    expect(words(theirs, 'grew 12 %')).toBe('grew about 12 %');
  });

  it('may hold a citation and go over several blocks', () => {
    const [mine, theirs] = openBoth(
      ['aaaaaaaaaa', 'It grew', { cite: 'cit_1' }, ' fast.'],
      ['bbbbbbbbbb', 'It fell.'],
    );
    const from = placeOf(mine, 'grew');
    mine.commands.setTextSelection({ from, to: placeOf(mine, ' fell') });
    const anchor = selectedAnchor(mine.state);
    if (!anchor) throw new Error('nothing is selected');
    theirs.commands.setComments([{ id: 'x', anchor, revision: 1 }], 'x');
    expect(words(theirs, 'x')).toBe('grew• fast.\nIt');
    const cite = from + 4;
    mine.commands.setTextSelection({ from: cite, to: cite + 1 });
    const atom = selectedAnchor(mine.state);
    if (!atom) throw new Error('nothing is selected');
    theirs.commands.setComments([{ id: 'y', anchor: atom, revision: 1 }], null);
    mine.commands.insertContentAt(1, 'Look: ');
    expect(words(theirs, 'y')).toBe('•');
  });

  it('are gone when they are deleted, on every page, and back with an undo', () => {
    const [mine, theirs] = openBoth(['aaaaaaaaaa', 'Revenue grew 12 % in 2025.']);
    comment([mine, theirs], 'grew 12 %');
    const told = telling(mine);
    nextStep(mine);
    const from = placeOf(mine, 'grew');
    mine.commands.deleteRange({ from, to: from + 9 });
    expect(words(mine, 'grew 12 %')).toBeNull();
    expect(words(theirs, 'grew 12 %')).toBeNull();
    expect(commentOrder(mine.state)).toEqual([]);
    mine.commands.undo();
    expect(words(mine, 'grew 12 %')).toBe('grew 12 %');
    expect(words(theirs, 'grew 12 %')).toBe('grew 12 %');
    const last = told.at(-1);
    expect(last?.own).toBe(true);
    expect(last && later(theirs, last)).toBe('grew 12 %');
  });

  it('are not taken for equal words elsewhere', () => {
    const [mine, theirs] = openBoth(
      ['aaaaaaaaaa', 'TBD.'],
      ['bbbbbbbbbb', 'TBD.'],
      ['cccccccccc', 'growth and growth'],
    );
    comment([mine, theirs], 'TBD.', 'growth');
    const growth = placeOf(mine, 'growth');
    mine.commands.deleteRange({ from: growth, to: growth + 6 });
    mine.commands.deleteRange({ from: 0, to: mine.state.doc.child(0).nodeSize });
    for (const window of [mine, theirs])
      expect([words(window, 'TBD.'), words(window, 'growth')]).toEqual([null, null]);
  });

  it('are gone when others are written over them, just over them or over more', () => {
    for (const [from, to] of [
      ['12 %', ' in'],
      ['grew', ' 2025'],
    ] as const) {
      const [mine, theirs] = openBoth(['aaaaaaaaaa', 'Revenue grew 12 % in 2025.']);
      comment([mine, theirs], '12 %');
      mine.commands.setTextSelection({ from: placeOf(mine, from), to: placeOf(mine, to) });
      mine.view.dispatch(mine.state.tr.replaceSelectionWith(mine.schema.text('f')));
      expect([words(mine, '12 %'), words(theirs, '12 %')]).toEqual([null, null]);
    }
  });

  const changes: Record<string, (editor: Editor) => void> = {
    'is split before them': (editor) =>
      editor.chain().setTextSelection(placeOf(editor, 'grew')).splitBlock().run(),
    'is split within them': (editor) =>
      editor.chain().setTextSelection(placeOf(editor, '12')).splitBlock().run(),
    'is joined to the one before': (editor) =>
      editor.view.dispatch(editor.state.tr.join(editor.state.doc.child(0).nodeSize)),
    'becomes a heading': (editor) =>
      editor
        .chain()
        .setTextSelection(placeOf(editor, 'grew'))
        .setNode('heading', { level: 2 })
        .run(),
    'becomes a list': (editor) =>
      editor.chain().setTextSelection(placeOf(editor, 'grew')).toggleBulletList().run(),
    'is moved to the end': (editor) => {
      const { tr, doc } = editor.state;
      const at = doc.child(0).nodeSize;
      const block = doc.child(1);
      tr.delete(at, at + block.nodeSize);
      editor.view.dispatch(tr.insert(tr.doc.content.size, block));
    },
    'is cut and pasted elsewhere': (editor) => {
      const { doc } = editor.state;
      const at = doc.child(0).nodeSize;
      const block = doc.child(1);
      editor.view.dispatch(editor.state.tr.delete(at, at + block.nodeSize));
      editor.view.dispatch(editor.state.tr.insert(0, block));
    },
  };
  it.each(Object.keys(changes))('keep their comment when their block %s', (name) => {
    const [mine, theirs] = openBoth(
      ['aaaaaaaaaa', 'First words.'],
      ['bbbbbbbbbb', 'Revenue of the whole group grew 12 % in 2025 and again in 2026.'],
      ['cccccccccc', 'Last words.'],
    );
    const [mark] = comment([mine, theirs], 'grew 12 %');
    if (!mark) throw new Error('one mark');
    const told = telling(mine);
    changes[name]?.(mine);
    const expected = name === 'is split within them' ? 'grew \n12 %' : 'grew 12 %';
    expect(words(mine, 'grew 12 %')).toBe(expected);
    const last = told.at(-1);
    if (last) {
      // As the server tells it to the others.
      theirs.commands.setComments([{ ...last, revision: 2 }], null);
      expect(later(theirs, { ...last, revision: 2 })).toBe(expected);
    }
    expect(words(theirs, 'grew 12 %')).toBe(expected);
    theirs.commands.insertContentAt(placeOf(theirs, '12'), 'about ');
    expect(words(mine, 'grew 12 %')).toBe(expected.replace('12', 'about 12'));
  });

  it('are found by whoever opens the brief after a page closed before it could tell', () => {
    const [mine, theirs] = openBoth(
      ['aaaaaaaaaa', 'First words.'],
      ['bbbbbbbbbb', 'Revenue of the whole group grew 12 % in 2025 and again in 2026.'],
    );
    const [mark] = comment([mine], 'grew 12 %');
    changes['becomes a heading']?.(mine);
    expect(mark && later(theirs, mark)).toBe('grew 12 %');
  });

  it('of another page’s writing that has not come yet are placed when it comes', () => {
    const [mine] = openBoth(['aaaaaaaaaa', 'Revenue.']);
    const late = open(new Y.Doc());
    const sync = (mine.state as unknown as Record<string, { doc: Y.Doc }>)['y-sync$'];
    const [mark] = comment([mine], 'Revenue');
    if (!mark || !sync) throw new Error('one mark');
    late.commands.setComments([mark], null);
    expect(words(late, 'Revenue')).toBeNull();
    const target = (late.state as unknown as Record<string, { doc: Y.Doc }>)['y-sync$'];
    if (target) Y.applyUpdate(target.doc, Y.encodeStateAsUpdate(sync.doc), 'room');
    expect(words(late, 'Revenue')).toBe('Revenue');
  });

  it('without a readable anchor are gone, and harm nothing', () => {
    const [mine] = openBoth(['aaaaaaaaaa', 'Revenue.']);
    const words: Words = { block: '', text: 'Cost', before: '', after: '' };
    mine.commands.setComments(
      ['', '!!', 'AAAA', btoa('\xff\xff\xff\xff')].map((start, n) => ({
        id: String(n),
        revision: 1,
        anchor: { start, end: start, ...words },
      })),
      null,
    );
    expect(commentOrder(mine.state)).toEqual([]);
  });
});

it('words are found again only with what stood beside them', () => {
  const [editor] = openBoth(
    ['aaaaaaaaaa', 'Costs fell by a third in 2024.'],
    ['bbbbbbbbbb', 'Costs fell by a third in 2025.'],
  );
  const lines = linesOf(editor.state.doc);
  const words: Words = {
    block: 'zzzzzzzzzz',
    text: 'by a third',
    before: 'Costs fell ',
    after: ' in 2025.',
  };
  expect(find(lines, words)?.from).toBe(placeOf(editor, 'by a third in 2025'));
  expect(find(lines, { ...words, after: ' in 2026.' })).toBeNull();
  expect(find(lines, { ...words, before: '', after: '' })).toBeNull();
});

it('1,000 random edits on two pages: each comment keeps its words', () => {
  const seed = 20_26;
  const pick = chance(seed);
  const blocks = Array.from({ length: 8 }, (_, n): [string, string] => [
    `block0000${n}`,
    `Paragraph ${n} says <mark ${n}> and goes on.`,
  ]);
  const windows = openBoth(...blocks);
  const ids = blocks.map((_, n) => `<mark ${n}>`);
  let marks = comment(windows, ...ids);
  windows.forEach((window) => {
    const told = telling(window);
    window.on('commentsMoved', () => {
      const moved = new Map(told.splice(0).map((one) => [one.id, one]));
      marks = marks.map((mark) => {
        const one = moved.get(mark.id);
        return one ? { ...mark, anchor: one.anchor, revision: mark.revision + 1 } : mark;
      });
    });
  });
  for (let round = 0; round < 1000; round += 1) {
    const editor = windows[pick(2)];
    if (!editor) throw new Error('two windows');
    const { doc, tr } = editor.state;
    const index = pick(doc.childCount);
    let start = 0;
    for (let i = 0; i < index; i += 1) start += doc.child(i).nodeSize;
    const block = doc.child(index);
    const inside = start + 1 + pick(block.content.size + 1);
    const free = ids.every((id) => {
      const range = commentRange(editor.state, id);
      return !range || inside <= range.from || inside >= range.to;
    });
    const what = pick(12);
    if (what < 6) {
      if (free) editor.view.dispatch(tr.insertText(` w${round}`, inside));
    } else if (what < 8) {
      // Only letters that nobody commented on are deleted.
      const to = Math.min(inside + 1 + pick(5), start + 1 + block.content.size);
      const held = ids.some((id) => {
        const range = commentRange(editor.state, id);
        return range && range.from < to && inside < range.to;
      });
      if (!held && to > inside) editor.view.dispatch(tr.delete(inside, to));
    } else if (what === 8) {
      if (free) editor.view.dispatch(tr.split(inside));
    } else if (what === 9) {
      if (index > 0 && doc.childCount > 5) editor.view.dispatch(tr.join(start));
    } else if (what === 10) {
      tr.delete(start, start + block.nodeSize);
      editor.view.dispatch(tr.insert(pick(2) === 0 ? 0 : tr.doc.content.size, block));
    } else {
      const bold = editor.schema.marks.bold?.create();
      const to = Math.min(inside + 4, start + 1 + block.content.size);
      if (bold && to > inside) editor.view.dispatch(tr.addMark(inside, to, bold));
    }
    // As the server tells both pages of what moved.
    windows.forEach((window) => window.commands.setComments(marks, null));
    for (const window of windows)
      for (const id of ids)
        expect(words(window, id), `seed ${seed}, round ${round}, after ${what}`).toBe(id);
  }
  const [mine] = windows;
  for (const mark of marks) expect(later(mine, mark), `seed ${seed}, opened later`).toBe(mark.id);
  expect(new Survey(mine.state).resolve(marks[0]?.anchor ?? ({} as Anchor), false)).not.toBeNull();
}, 120_000);

it('costs a brief without comments nothing', () => {
  const [mine] = openBoth(['aaaaaaaaaa', 'Revenue.']);
  const told = telling(mine);
  let placed = 0;
  mine.on('commentsPlaced', () => (placed += 1));
  mine.commands.insertContent('x');
  mine.view.dispatch(mine.state.tr.setSelection(TextSelection.create(mine.state.doc, 2)));
  expect([told.length, placed]).toEqual([0, 0]);
});
