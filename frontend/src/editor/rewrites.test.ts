import type { Editor } from '@tiptap/core';
import { TextSelection } from '@tiptap/pm/state';
import { yUndoPluginKey } from '@tiptap/y-tiptap';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';

import { citationsIn } from './citations';
import {
  AFTER,
  BEFORE,
  copiesIn,
  decodeRewrite,
  encodeRewrite,
  HOME,
  MOST_LETTERS,
  MOST_NOTES,
  noteRewrite,
  notesOf,
  type Rewrite,
  SAME,
  settleRewrites,
  staying,
} from './rewrites';
import { textsOf } from './suggestions/testSuggest';
import { chance } from './testChance';
import { bodyOf, idsOf, openEditor, paragraph, placeOf } from './testEditor';

const editors: Editor[] = [];
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => {
  vi.useRealTimers();
  editors.splice(0).forEach((editor) => editor.destroy());
});

interface Table {
  editors: [Editor, Editor, Editor];
  docs: [Y.Doc, Y.Doc, Y.Doc];
}

/** Three people at one brief, each with a copy. Small numbers decide ties. */
function sit(content: ReturnType<typeof paragraph>[], clients = [1, 2, 3]): Table {
  const docs = clients.map((client) => {
    const doc = new Y.Doc();
    doc.clientID = client;
    return doc;
  }) as Table['docs'];
  const open = docs.map((doc, n) => {
    const editor = openEditor(doc);
    if (n === 0) editor.commands.setContent(content);
    if (n > 0) tell(docs[0], doc);
    return editor;
  });
  editors.push(...open);
  const table = { editors: open as Table['editors'], docs };
  exchange(table);
  for (const editor of open) nextStep(editor);
  return table;
}

/** What comes next is undone by itself. */
function nextStep(editor: Editor): void {
  const { undoManager } = yUndoPluginKey.getState(editor.state) as { undoManager: Y.UndoManager };
  undoManager.stopCapturing();
}

function tell(from: Y.Doc, to: Y.Doc): void {
  Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)), 'room');
}

/** All copies hear of everything, and of what is settled after that. */
function exchange({ docs }: Table): void {
  for (let round = 0; round < 4; round += 1) {
    for (const from of docs) for (const to of docs) if (from !== to) tell(from, to);
    vi.advanceTimersByTime(100);
  }
  for (const doc of docs) expect(bodyOf(doc).toJSON()).toBe(bodyOf(docs[0]).toJSON());
}

function caret(editor: Editor, at: number): void {
  editor.view.dispatch(editor.state.tr.setSelection(TextSelection.create(editor.state.doc, at)));
}

function splitBefore(editor: Editor, text: string): void {
  caret(editor, placeOf(editor, text));
  editor.commands.splitBlock();
}

function citeBefore(editor: Editor, text: string, cite: string): void {
  caret(editor, placeOf(editor, text));
  editor.commands.insertCitation(cite);
}

function says(table: Table): string[] {
  const texts = table.editors.map((editor) => textsOf(editor.state.doc));
  expect(texts[1]).toEqual(texts[0]);
  expect(texts[2]).toEqual(texts[0]);
  // An empty brief has paragraphs that nobody wrote in, without an id.
  const ids = idsOf(table.editors[0]).filter((id) => id !== 'null');
  expect(new Set(ids).size).toBe(ids.length);
  return texts[0] ?? [];
}

const ONE = [paragraph('aaaaaaaaaa', 'abcdef'), paragraph('zzzzzzzzzz', 'Margins held.')];
const REST = 'paragraph: Margins held.';

describe.each([
  ['in one order', [1, 2, 3]],
  ['in the other', [2, 1, 3]],
])('of two people who write at once, their copies numbered %s', (_, clients) => {
  it('each press Return at another place: three paragraphs, each word once', () => {
    const table = sit(ONE, clients);
    const [ada, bo] = table.editors;
    splitBefore(ada, 'cdef');
    splitBefore(bo, 'ef');
    exchange(table);
    expect(says(table)).toEqual(['paragraph: ab', 'paragraph: cd', 'paragraph: ef', REST]);
  });

  it('both press Return at one place: one break', () => {
    const table = sit(ONE, clients);
    for (const editor of table.editors.slice(0, 2)) splitBefore(editor, 'cdef');
    exchange(table);
    expect(says(table)).toEqual(['paragraph: ab', 'paragraph: cdef', REST]);
  });

  it('each cite in the paragraph: both citations in their places, each word once', () => {
    const table = sit(ONE, clients);
    const [ada, bo] = table.editors;
    citeBefore(ada, 'cdef', 'c1');
    citeBefore(bo, 'ef', 'c2');
    exchange(table);
    expect(says(table)).toEqual(['paragraph: ab•cd•ef', REST]);
  });

  it('one cites and one presses Return', () => {
    const table = sit(ONE, clients);
    const [ada, bo] = table.editors;
    citeBefore(ada, 'ef', 'c1');
    splitBefore(bo, 'cdef');
    exchange(table);
    expect(says(table)).toEqual(['paragraph: ab', 'paragraph: cd•ef', REST]);
  });

  it('both join the same two', () => {
    const table = sit(ONE, clients);
    for (const editor of table.editors.slice(0, 2)) {
      caret(editor, placeOf(editor, 'Margins'));
      editor.commands.joinBackward();
    }
    exchange(table);
    expect(says(table)).toEqual(['paragraph: abcdefMargins held.']);
  });

  it('both remove one citation', () => {
    const table = sit([paragraph('aaaaaaaaaa', 'abc', { cite: 'c1' }, 'def')], clients);
    for (const editor of table.editors.slice(0, 2)) editor.commands.deleteRange({ from: 4, to: 5 });
    exchange(table);
    expect(says(table)).toEqual(['paragraph: abcdef']);
  });

  it('both make it a heading, or a list', () => {
    for (const act of ['heading', 'list']) {
      const table = sit(ONE, clients);
      for (const editor of table.editors.slice(0, 2)) {
        caret(editor, 2);
        if (act === 'list') editor.commands.toggleBulletList();
        else editor.commands.setNode('heading', { level: 2 });
      }
      exchange(table);
      expect(says(table)).toEqual([act === 'list' ? 'paragraph: abcdef' : 'heading: abcdef', REST]);
      const root = table.editors[0].state.doc;
      expect(root.childCount).toBe(2);
    }
  });

  it('what each types into their copy, and a third into it before, stays', () => {
    const table = sit(ONE, clients);
    const [ada, bo, cem] = table.editors;
    splitBefore(ada, 'cdef');
    splitBefore(bo, 'ef');
    ada.view.dispatch(ada.state.tr.insertText('XY', placeOf(ada, 'f')));
    bo.view.dispatch(bo.state.tr.insertText('UV', placeOf(bo, 'f')));
    cem.view.dispatch(cem.state.tr.insertText('ST', placeOf(cem, 'f')));
    exchange(table);
    const text = says(table).join('').replaceAll('paragraph: ', '');
    for (const part of ['XY', 'UV', 'ST']) expect(text.split(part)).toHaveLength(2);
    expect(text.replace(/[S-Y]/g, '')).toBe('abcdefMargins held.');
  });

  it('and who takes theirs back leaves each word once and in order', () => {
    for (const who of [0, 1] as const) {
      const table = sit(ONE, clients);
      splitBefore(table.editors[0], 'cdef');
      splitBefore(table.editors[1], 'ef');
      exchange(table);
      table.editors[who].commands.undo();
      exchange(table);
      expect(says(table).join('').replaceAll('paragraph: ', '')).toBe('abcdefMargins held.');
      table.editors[who].commands.redo();
      exchange(table);
      expect(says(table).join('').replaceAll('paragraph: ', '')).toBe('abcdefMargins held.');
    }
  });

  it('and who takes theirs back before hearing of the other leaves the other’s', () => {
    const table = sit(ONE, clients);
    splitBefore(table.editors[0], 'cdef');
    splitBefore(table.editors[1], 'ef');
    table.editors[0].commands.undo();
    exchange(table);
    expect(says(table)).toEqual(['paragraph: abcd', 'paragraph: ef', REST]);
  });
});

function rewrite(client: number, of: [number, number], went: number, length = 1): Rewrite {
  const runs = [{ clock: 10, length, of: { client: of[0], clock: of[1] }, went }];
  return { client, start: 8, runs };
}

describe('a note of what was written anew', () => {
  it('reads as it was written, and nothing else is one', () => {
    const note = rewrite(1, [7, 3], AFTER, 4);
    expect(decodeRewrite(encodeRewrite(note))).toEqual(note);
    for (const row of [null, 'x', [], [1, 2], [1, 2, 3, 1, 1, 1, 9], [1, 2, 3, -1, 1, 1, 1]])
      expect(decodeRewrite(row)).toBeNull();
  });

  it('tells letters that are the same one through any number of changes', () => {
    const notes = [
      rewrite(1, [7, 3], AFTER),
      rewrite(2, [1, 10], BEFORE),
      rewrite(3, [7, 3], AFTER),
    ];
    const clients = copiesIn(notes).map((group) => group.map(({ client }) => client));
    expect(clients).toEqual([[1, 2, 3]]);
    expect(copiesIn(notes.slice(0, 2))).toEqual([]);
    expect(copiesIn([...notes, rewrite(4, [3, 10], SAME)])[0]?.at(-1)?.went).toBe(AFTER);
  });

  it('of a letter that is its own copy, in a ring, ends', () => {
    const ring = [rewrite(1, [2, 10], SAME), rewrite(2, [1, 10], SAME), rewrite(3, [1, 10], AFTER)];
    expect(copiesIn(ring).flat().length).toBeLessThanOrEqual(3);
  });

  it('is kept with so many others, and the oldest go', () => {
    const doc = new Y.Doc();
    for (let n = 0; n <= MOST_NOTES; n += 1)
      doc.transact(() => noteRewrite(doc, rewrite(1, [7, n], AFTER)));
    expect(notesOf(doc)).toHaveLength(MOST_NOTES);
    expect(notesOf(doc)[0]?.runs[0]?.of.clock).toBe(1);
    noteRewrite(doc, rewrite(1, [7, 0], AFTER, MOST_LETTERS));
    expect(notesOf(doc)).toHaveLength(1);
    noteRewrite(doc, rewrite(1, [7, 0], AFTER, MOST_LETTERS + 1));
    expect(notesOf(doc)[0]?.runs[0]?.length).toBe(MOST_LETTERS);
  });

  it('of letters that nobody has does nothing', () => {
    const doc = new Y.Doc();
    for (const client of [8, 9]) noteRewrite(doc, rewrite(client, [7, 3], AFTER));
    expect(settleRewrites(doc, bodyOf(doc))).toBe(0);
  });
});

it('of several copies the same one stays in whatever order they are heard of', () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const pick = chance(seed);
    const copies = Array.from({ length: 2 + pick(5) }, (_, n) => ({
      place: n,
      went: [HOME, BEFORE, AFTER][pick(3)] ?? HOME,
    }));
    const stays = staying(copies);
    const left = [...copies];
    // Each page hears of two at a time, and takes one of them away.
    while (left.length > 1) {
      const two = [left.splice(pick(left.length), 1), left.splice(pick(left.length), 1)].flat();
      left.push(...[staying(two)].flatMap((one) => one ?? []));
    }
    expect(left[0], `seed ${seed}`).toBe(stays);
  }
});

/** Letters that occur once, so that nothing is right by accident. */
function words(begin: number, count: number): string {
  return String.fromCodePoint(...Array.from({ length: count }, (_, n) => begin + n));
}

/** How often each letter and each citation stands in a shared document, in order. */
function standing(doc: Y.Doc): Map<string, number> {
  const found = new Map<string, number>();
  const count = (it: string) => found.set(it, (found.get(it) ?? 0) + 1);
  const walk = (type: Y.XmlFragment) => {
    for (const child of type.toArray())
      if (child instanceof Y.XmlText)
        for (const { insert } of child.toDelta() as { insert: string }[])
          Array.from(insert).forEach(count);
      else if (child instanceof Y.XmlElement) {
        const cite: unknown = child.getAttribute('cite');
        if (typeof cite === 'string') count(cite);
        walk(child);
      }
  };
  walk(bodyOf(doc));
  return found;
}

type Kind = 'type' | 'split' | 'join' | 'cite' | 'uncite' | 'bold' | 'heading' | 'undo';

/** Makes an edit at some place, and says what it was. */
function someEdit(
  pick: (below: number) => number,
  kinds: readonly Kind[],
  edit: number,
  editor: Editor,
): string {
  const { doc, tr } = editor.state;
  const index = pick(doc.childCount);
  let start = 0;
  for (let n = 0; n < index; n += 1) start += doc.child(n).nodeSize;
  const end = start + 1 + doc.child(index).content.size;
  const inside = start + 1 + pick(end - start);
  const kind = kinds[pick(kinds.length)];
  switch (kind) {
    case 'type':
      editor.view.dispatch(tr.insertText(words(0x3400 + edit * 2, 2), inside));
      break;
    case 'split':
      caret(editor, inside);
      editor.commands.splitBlock();
      break;
    case 'join':
      caret(editor, start + 1);
      if (doc.childCount > 3) editor.commands.joinBackward();
      break;
    case 'cite':
      caret(editor, inside);
      editor.commands.insertCitation(`cit_new${edit}`);
      break;
    case 'uncite': {
      const cites = citationsIn(doc);
      const at = cites[pick(cites.length || 1)]?.pos;
      if (at !== undefined) editor.view.dispatch(tr.delete(at, at + 1));
      break;
    }
    case 'bold':
      editor
        .chain()
        .setTextSelection({ from: inside, to: Math.min(inside + 3, end) })
        .toggleBold()
        .run();
      break;
    case 'heading':
      caret(editor, inside);
      editor.commands.setNode('heading', { level: 2 });
      break;
    case 'undo':
      editor.commands.undo();
  }
  return `${kind} ${inside}`;
}

/** Three people edit at once, again and again, and `check` looks at what stands after they met. */
function meetOften(
  seed: number,
  kinds: readonly Kind[],
  check: (without: Y.Doc, after: Y.Doc, said: string, before: readonly string[]) => void,
): void {
  const pick = chance(seed);
  const clients = [
    [1, 2, 3],
    [3, 1, 2],
    [2, 3, 1],
  ][seed % 3];
  const blocks = Array.from({ length: 3 }, (_, n) => [
    words(0x4e00 + n * 40, 8),
    { cite: `cit_${n}` },
    words(0x4e00 + n * 40 + 12, 8),
  ]);
  const table = sit(
    blocks.map((inline, n) => paragraph(`block0000${n}`, ...inline)),
    clients,
  );
  let edits = 0;
  for (let round = 0; round < 10; round += 1) {
    const before = textsOf(table.editors[0].state.doc);
    const log = table.editors.flatMap((editor, n) =>
      Array.from({ length: 1 + pick(2) }, () => {
        edits += 1;
        return `${n}: ${someEdit(pick, kinds, edits, editor)}`;
      }),
    );
    // What plain Yjs makes of it: nothing may be missing that stands there.
    const without = new Y.Doc();
    for (const doc of table.docs) tell(doc, without);
    for (let step = 0; step < 4; step += 1) {
      const [from, to] = [table.docs[pick(3)], table.docs[pick(3)]];
      if (from && to && from !== to) tell(from, to);
    }
    exchange(table);
    check(without, table.docs[0], `seed ${seed}, round ${round}: ${log.join('; ')}`, before);
    says(table);
  }
  for (const editor of table.editors) editor.destroy();
  editors.length = 0;
}

function expectOnce(without: Y.Doc, after: Y.Doc, said: string): void {
  const found = standing(after);
  const twice = [...found].filter(([, times]) => times > 1).map(([it]) => it);
  expect(twice, `${said}: twice`).toEqual([]);
  const gone = [...standing(without).keys()].filter((it) => !found.has(it));
  expect(gone, `${said}: gone`).toEqual([]);
  const added = [...found.keys()].filter((it) => !standing(without).has(it));
  expect(added, `${said}: came back`).toEqual([]);
}

const [FIRST, SEEDS] = [1, 20];
const EDITS: Kind[] = ['type', 'type', 'split', 'split', 'join', 'cite', 'cite', 'uncite', 'bold'];

describe('of what three people write at once, in random orders', () => {
  it('nothing stands twice, and nothing is gone that plain Yjs keeps', () => {
    for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) meetOften(seed, EDITS, expectOnce);
  }, 300_000);

  it('nothing stands twice where they make headings and undo, too', () => {
    for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1)
      meetOften(3000 + seed, [...EDITS, 'heading', 'undo', 'undo'], (_, after, said) => {
        const twice = [...standing(after)].filter(([, times]) => times > 1).map(([it]) => it);
        expect(twice, said).toEqual([]);
      });
  }, 300_000);

  it('the words keep their order, and the citations stand, when they break lines and cite', () => {
    for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
      const cited = new Set<string>();
      meetOften(
        6000 + seed,
        ['type', 'split', 'split', 'cite', 'bold'],
        (without, after, said, before) => {
          expectOnce(without, after, said);
          // How two paragraphs stand, Yjs decides where both are cut at once.
          for (const block of before) {
            const own = Array.from(block.replace(/^\w+: /, '').replaceAll('•', '')).filter((it) =>
              standing(without).has(it),
            );
            const order = [...standing(after).keys()].filter((it) => own.includes(it));
            expect(order, said).toEqual(own);
          }
          for (const it of cited) expect(standing(after).has(it), `${said}: ${it}`).toBe(true);
          for (const it of standing(after).keys()) if (it.startsWith('cit')) cited.add(it);
        },
      );
    }
  }, 300_000);
});
