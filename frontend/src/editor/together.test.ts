import type { Editor } from '@tiptap/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';

import { restoreVersion } from '../history';
import { commentOrder, commentRange, selectedAnchor } from './extensions/comments';
import { findCount, NOTHING } from './extensions/find';
import { decideIn, SUGGEST_AS, suggestState } from './extensions/suggest';
import { acceptAll, rejectAll } from './suggestions';
import { agree, marked, openSuggesting, textsOf } from './suggestions/testSuggest';
import { paragraph, placeOf } from './testEditor';

const editors: Editor[] = [];
afterEach(() => {
  editors.splice(0).forEach((editor) => editor.destroy());
  document.body.replaceChildren();
});

const TWO = [
  paragraph('aaaaaaaaaa', 'The market grew. ', { cite: 'cit_1' }, ' A market is a place.'),
  paragraph('bbbbbbbbbb', 'Costs fell.'),
];

function open(content: Parameters<typeof agree>[1] = TWO): Editor {
  const editor = openSuggesting('Ada');
  editors.push(editor);
  agree(editor, content);
  return editor;
}

/** Rejected, all is as it was; accepted, it says this. */
function expectDecided(editor: Editor, before: unknown, accepted: string[]): void {
  expect(editor.state.apply(rejectAll(editor.state)).doc.toJSON()).toEqual(before);
  expect(textsOf(editor.state.apply(acceptAll(editor.state)).doc)).toEqual(accepted);
}

describe('in suggest mode', () => {
  it('replaces each place that is found once, and does not find what it struck out', () => {
    const editor = open();
    const before = editor.getJSON();
    editor.commands.setFind({ ...NOTHING, text: 'market' });
    editor.commands.replaceFound('segment');
    expect(marked(editor)[0]).toBe('The [-market-][+segment+] grew. • A market is a place.');
    expect(findCount(editor.state)).toEqual({ places: 1, current: 1 });
    editor.commands.replaceAllFound('market');
    expectDecided(editor, before, [
      'paragraph: The segment grew. • A market is a place.',
      'paragraph: Costs fell.',
    ]);
    editor.commands.replaceAllFound('field');
    expect(suggestState(editor.state).all.length).toBeGreaterThan(1);
    expectDecided(editor, before, [
      'paragraph: The segment grew. • A field is a place.',
      'paragraph: Costs fell.',
    ]);
  });

  it('takes a block from the menu, an action item and a table, and all of it back', async () => {
    const editor = open([paragraph('aaaaaaaaaa', 'Costs fell.')]);
    const before = editor.getJSON();
    editor.commands.focus('end');
    editor.commands.splitBlock();
    for (const letter of '/todo item') editor.view.dispatch(editor.state.tr.insertText(letter));
    await vi.waitFor(() => expect(document.querySelectorAll('[role=option]').length).toBe(1));
    editor.view.dom.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
    expect(editor.isActive('action')).toBe(true);
    editor.commands.insertContent('Call them');
    expectDecided(editor, before, ['paragraph: Costs fell.', 'action: Call them']);
  });

  it('puts in a picture and a citation that go again when they are rejected', () => {
    const editor = open();
    const before = editor.getJSON();
    editor.commands.insertContentAt(placeOf(editor, ' fell') + 1, {
      type: 'citation',
      attrs: { cite: 'cit_2' },
    });
    editor.commands.insertContentAt(editor.state.doc.content.size, {
      type: 'image',
      attrs: { src: '/api/images/a', alt: 'A chart' },
    });
    expectDecided(editor, before, [
      'paragraph: The market grew. • A market is a place.',
      'paragraph: Costs •fell.',
    ]);
    expect(suggestState(editor.state).all.map(({ summary }) => summary)).toContain('Add a picture');
  });

  it('writes over a template’s prompt, which is there again when that is rejected', () => {
    const editor = open([
      { type: 'paragraph', attrs: { id: 'aaaaaaaaaa', prompt: 'What we ask for' } },
    ]);
    const before = editor.getJSON();
    editor.commands.setTextSelection(1);
    for (const letter of 'Money') editor.view.dispatch(editor.state.tr.insertText(letter));
    expect(marked(editor)).toEqual(['[+Money+]']);
    expectDecided(editor, before, ['paragraph: Money']);
  });

  it('pastes blocks as a suggestion, with where they come from', () => {
    const editor = open([paragraph('aaaaaaaaaa', 'Costs fell.')]);
    const before = editor.getJSON();
    editor.commands.focus('end');
    editor.view.pasteHTML('<p>One.</p><p>Two.</p>', new Event('paste') as ClipboardEvent);
    expectDecided(editor, before, ['paragraph: Costs fell.One.', 'paragraph: Two.']);
    decideIn(editor, 'accept', {});
    expect(editor.getJSON().content[1]?.attrs?.origin).toBe('imported');
  });

  it('takes a model’s sentence in as the model’s, and one undo gives the suggestion back', () => {
    const editor = open([paragraph('aaaaaaaaaa')]);
    editor
      .chain()
      .setMeta('origin', 'ai')
      .setMeta(SUGGEST_AS, { id: 'ai:X', name: 'X', kind: 'ai', color: '' })
      .insertContentAt(1, 'Margins held.')
      .run();
    const pending = marked(editor);
    expect(pending).toEqual(['[+Margins held.+]']);
    decideIn(editor, 'accept', { author: 'ai:X' });
    expect(editor.getJSON().content[0]?.attrs?.origin).toBe('ai');
    editor.commands.undo();
    expect(marked(editor)).toEqual(pending);
    editor.commands.redo();
    expect(marked(editor)).toEqual(['Margins held.']);
  });

  it('keeps a comment on suggested words when they are accepted, and lets it go with them', () => {
    const editor = open();
    const from = placeOf(editor, 'Costs');
    editor.view.dispatch(editor.state.tr.insertText('Gross ', from));
    editor.commands.setTextSelection({ from, to: from + 5 });
    const anchor = selectedAnchor(editor.state);
    if (!anchor) throw new Error('no anchor');
    editor.commands.setComments([{ id: 'one', anchor, revision: 1 }], null);
    const said = () => {
      const range = commentRange(editor.state, 'one');
      return range && editor.state.doc.textBetween(range.from, range.to);
    };
    expect(said()).toBe('Gross');
    decideIn(editor, 'accept', {});
    expect(said()).toBe('Gross');
    editor.commands.undo();
    expect(said()).toBe('Gross');
    decideIn(editor, 'reject', {});
    expect(commentOrder(editor.state)).toEqual([]);
    editor.commands.undo();
    expect(said()).toBe('Gross');
  });
});

it('says of words that stand for a join that the blocks are joined, too', () => {
  const editor = open();
  const from = placeOf(editor, ' is a place.') + ' is a place.'.length;
  editor.commands.insertContentAt({ from, to: placeOf(editor, 'Costs') }, ' And ');
  expect(suggestState(editor.state).all.map(({ summary }) => summary)).toEqual([
    'Add “And” and join the blocks',
  ]);
});

describe('a version that is restored', () => {
  it('brings suggestions back that were decided since, and undo takes them away again', () => {
    const doc = new Y.Doc();
    const editor = openSuggesting('Ada', doc);
    editors.push(editor);
    agree(editor, TWO);
    const from = placeOf(editor, 'Costs');
    editor.view.dispatch(editor.state.tr.insertText('Gross ', from));
    const version = new Y.Doc();
    Y.applyUpdate(version, Y.encodeStateAsUpdate(doc));
    const pending = marked(editor);
    decideIn(editor, 'accept', {});
    const agreed = marked(editor);
    restoreVersion(doc, version, null);
    expect(marked(editor)).toEqual(pending);
    expect(suggestState(editor.state).all).toHaveLength(1);
    restoreVersion(doc, version, null);
    decideIn(editor, 'accept', {});
    expect(marked(editor)).toEqual(agreed);
  });
});

it('does not comment on a space alone, which no list could quote', () => {
  const editor = open();
  const from = placeOf(editor, 'market') - 1;
  editor.commands.setTextSelection({ from, to: from + 1 });
  expect(selectedAnchor(editor.state)).toBeNull();
});
