import type { Editor } from '@tiptap/core';
import { TextSelection } from '@tiptap/pm/state';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';

import { decideIn, suggestState } from '../extensions/suggest';
import { bodyOf, paragraph, placeOf } from '../testEditor';
import type { Verdict } from '.';
import { agree, marked, openSuggesting, textsOf } from './testSuggest';

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

/** Three people at one brief, each with a copy; nobody suggests. Small numbers decide ties. */
function sit(content: Parameters<typeof agree>[1], clients = [1, 2, 3]): Table {
  const docs = clients.map((client) => {
    const doc = new Y.Doc();
    doc.clientID = client;
    return doc;
  }) as Table['docs'];
  const open = ['Ada', 'Bo', 'Cem'].map((name, n) => openSuggesting(name, docs[n], false));
  editors.push(...open);
  const table = { editors: open as Table['editors'], docs };
  agree(table.editors[0], content);
  exchange(table);
  return table;
}

/** All copies hear of everything, and of what is settled after that. */
function exchange({ docs }: Table): void {
  for (let round = 0; round < 4; round += 1) {
    for (const from of docs)
      for (const to of docs)
        if (from !== to)
          Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)), 'room');
    vi.advanceTimersByTime(100);
  }
  for (const doc of docs) expect(bodyOf(doc).toJSON()).toBe(bodyOf(docs[0]).toJSON());
}

function caret(editor: Editor, at: number): void {
  editor.view.dispatch(editor.state.tr.setSelection(TextSelection.create(editor.state.doc, at)));
}

const FIRST = paragraph('aaaaaaaaaa', 'The market grew.');
const SECOND = paragraph('bbbbbbbbbb', ' Costs', { cite: 'c1' }, ' fell', { cite: 'c2' }, ' too.');
const THIRD = paragraph('cccccccccc', 'Margins held.');
const JOINED = ['paragraph: The market grew. Costs• fell• too.', 'paragraph: Margins held.'];
const APART = [
  'paragraph: The market grew.',
  'paragraph:  Costs• fell• too.',
  'paragraph: Margins held.',
];

/** Three people before the proposal to join the second paragraph to the first. */
function joining(clients?: number[]): Table {
  const table = sit([FIRST, SECOND, THIRD], clients);
  const [ada] = table.editors;
  ada.commands.setSuggesting(true);
  caret(ada, placeOf(ada, ' Costs'));
  ada.commands.joinBackward();
  ada.commands.setSuggesting(false);
  expect(marked(ada)[1]).toContain('joined:');
  exchange(table);
  return table;
}

function all(editor: Editor, verdict: Verdict): void {
  expect(decideIn(editor, verdict, {})).toBeGreaterThan(0);
}

function says(table: Table): string[] {
  return textsOf(table.editors[0].state.doc);
}

describe.each([
  ['in one order', [1, 2, 3]],
  ['in the other', [2, 1, 3]],
])('two people who decide at once, their copies numbered %s', (_, clients) => {
  it('and both accept a join, have its words once', () => {
    const table = joining(clients);
    for (const editor of table.editors.slice(0, 2)) all(editor, 'accept');
    exchange(table);
    expect(says(table)).toEqual(JOINED);
    expect(suggestState(table.editors[2].state).all).toEqual([]);
  });

  it('and both reject a split, have its words once', () => {
    const table = sit([FIRST, SECOND, THIRD], clients);
    const [ada, bo] = table.editors;
    ada.commands.setSuggesting(true);
    caret(ada, placeOf(ada, ' fell'));
    ada.commands.splitBlock();
    exchange(table);
    expect(says(table)).toHaveLength(4);
    for (const editor of [ada, bo]) all(editor, 'reject');
    exchange(table);
    expect(says(table)).toEqual(APART);
  });

  it('one for a join and one against, have its words once', () => {
    const table = joining(clients);
    const [ada, bo] = table.editors;
    all(ada, 'accept');
    all(bo, 'reject');
    exchange(table);
    expect(says(table).join('').match(/Costs/g)).toHaveLength(1);
    expect(says(table).join('')).toContain('The market grew.');
  });

  it('keep what a third writes meanwhile, and what they write themselves into the words', () => {
    const table = joining(clients);
    const [ada, bo, cem] = table.editors;
    cem.view.dispatch(cem.state.tr.insertText('fast ', placeOf(cem, 'grew')));
    cem.view.dispatch(cem.state.tr.insertText(' Much', placeOf(cem, ' market')));
    for (const editor of [ada, bo]) all(editor, 'accept');
    bo.view.dispatch(bo.state.tr.insertText('xyz', placeOf(bo, 'sts')));
    ada.view.dispatch(ada.state.tr.insertText('uvw', placeOf(ada, 'oo.')));
    exchange(table);
    const text = says(table).join('');
    for (const part of ['The Much market fast grew.', 'xyz', 'uvw', 'Margins held.'])
      expect(text).toContain(part);
    expect(text.replace(/xyz|uvw/g, '').match(/Costs/g)).toHaveLength(1);
    expect(text.match(/•/g)).toHaveLength(2);
  });

  it('and one of them takes it back, have the proposal again, and the words once', () => {
    const table = joining(clients);
    const [ada, bo] = table.editors;
    for (const editor of [ada, bo]) all(editor, 'accept');
    exchange(table);
    ada.commands.undo();
    exchange(table);
    expect(says(table)).toEqual(APART);
    all(bo, 'accept');
    exchange(table);
    expect(says(table)).toEqual(JOINED);
  });

  it('and one takes it back before he hears of the other, have the words once', () => {
    const table = joining(clients);
    const [ada, bo] = table.editors;
    for (const editor of [ada, bo]) all(editor, 'accept');
    ada.commands.undo();
    exchange(table);
    expect(says(table)).toEqual(APART);
  });
});

it('accepts a join into the block that others write in, however many citations the other has', () => {
  const table = joining();
  const [ada, , cem] = table.editors;
  cem.view.dispatch(cem.state.tr.insertText('fast ', placeOf(cem, 'grew')));
  all(ada, 'accept');
  exchange(table);
  expect(says(table)[0]).toBe('paragraph: The market fast grew. Costs• fell• too.');
});

it('is one step to undo and one to redo', () => {
  const table = joining();
  const [ada] = table.editors;
  const before = ada.getJSON();
  all(ada, 'accept');
  ada.commands.undo();
  expect(ada.getJSON()).toEqual(before);
  ada.commands.redo();
  exchange(table);
  expect(says(table)).toEqual(JOINED);
});
