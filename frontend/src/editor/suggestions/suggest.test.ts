import type { Editor } from '@tiptap/core';
import { TextSelection } from '@tiptap/pm/state';
import { afterEach, describe, expect, it } from 'vitest';
import * as Y from 'yjs';

import { decideIn, goToSuggestion, SUGGEST_AS, suggestState } from '../extensions/suggest';
import { bodyOf, idsOf, paragraph, placeOf } from '../testEditor';
import { accept, ACCEPTED_FROM, acceptAll, rejectAll, suggestBlocks } from '.';
import { agree, marked, meet, openSuggesting, textsOf } from './testSuggest';

const editors: Editor[] = [];
afterEach(() => editors.splice(0).forEach((editor) => editor.destroy()));

function open(name = 'Ada', doc?: Y.Doc, suggesting = true): Editor {
  const editor = openSuggesting(name, doc, suggesting);
  editors.push(editor);
  return editor;
}

const TWO = [
  paragraph('aaaaaaaaaa', 'Revenue grew well ', { cite: 'cit_1' }, ' in 2025.'),
  paragraph('bbbbbbbbbb', 'Costs fell.'),
];

function brief(): Editor {
  const editor = open();
  agree(editor, TWO);
  return editor;
}

/** Deletes as a key would, from the caret. */
function press(
  editor: Editor,
  key: 'Backspace' | 'Delete' | 'Enter',
  held: { altKey?: boolean } = {},
): void {
  const event = new KeyboardEvent('keydown', { key, ...held });
  const handled = editor.view.someProp('handleKeyDown', (handle) => handle(editor.view, event));
  if (handled || key === 'Enter' || held.altKey) return;
  // What the browser itself would delete.
  const { selection, tr } = editor.state;
  if (!selection.empty) editor.view.dispatch(tr.deleteSelection());
  else if (key === 'Backspace') editor.view.dispatch(tr.delete(selection.head - 1, selection.head));
  else editor.view.dispatch(tr.delete(selection.head, selection.head + 1));
}

function type(editor: Editor, text: string): void {
  for (const letter of text) editor.view.dispatch(editor.state.tr.insertText(letter));
}

function caret(editor: Editor, text: string, offset = 0): void {
  editor.commands.setTextSelection(placeOf(editor, text) + offset);
}

function select(editor: Editor, from: number, to: number): void {
  editor.view.dispatch(
    editor.state.tr.setSelection(TextSelection.create(editor.state.doc, from, to)),
  );
}

/** Rejected, everything is as it was; the same written directly is what accepting gives. */
function expectBoth(change: (editor: Editor) => void): string[] {
  const editor = brief();
  const before = editor.getJSON();
  change(editor);
  const shown = marked(editor);
  const direct = open('Ada', undefined, false);
  agree(direct, TWO);
  change(direct);
  const rejected = editor.state.apply(rejectAll(editor.state));
  expect(rejected.doc.toJSON()).toEqual(before);
  const accepted = editor.state.apply(acceptAll(editor.state));
  expect(textsOf(accepted.doc)).toEqual(textsOf(direct.state.doc));
  return shown;
}

describe('what is written in suggest mode', () => {
  it('is marked as put in, letter by letter one suggestion', () => {
    const editor = brief();
    caret(editor, 'well');
    type(editor, 'very ');
    expect(marked(editor)[0]).toBe('Revenue grew [+very +]well • in 2025.');
    expect(suggestState(editor.state).all.map(({ summary }) => summary)).toEqual(['Add “very”']);
    const [one] = suggestState(editor.state).all;
    expect(one).toMatchObject({ author: 'ada', name: 'Ada', kind: 'person' });
    expect(Date.parse(one?.at ?? '')).toBeGreaterThan(0);
  });

  it('strikes out what three presses of Delete, or of Backspace, would take', () => {
    const shown = expectBoth((editor) => {
      caret(editor, 'well');
      for (let n = 0; n < 3; n += 1) press(editor, 'Delete');
    });
    expect(shown[0]).toBe('Revenue grew [-wel-]l • in 2025.');
    const back = expectBoth((editor) => {
      caret(editor, 'well', 4);
      for (let n = 0; n < 3; n += 1) press(editor, 'Backspace');
    });
    expect(back[0]).toBe('Revenue grew w[-ell-] • in 2025.');
  });

  it('strikes out the letter that was meant of two that are alike', () => {
    const editor = brief();
    caret(editor, 'well', 2);
    press(editor, 'Delete');
    expect(marked(editor)[0]).toBe('Revenue grew we[-l-]l • in 2025.');
  });

  it('is one suggestion where a browser tells of words that were struck out before, too', () => {
    const editor = brief();
    const from = placeOf(editor, 'Costs');
    editor.view.dispatch(editor.state.tr.delete(from + 5, from + 10));
    const letter = { from: from + 4, to: from + 10 };
    const rest = editor.schema.text(' fell');
    editor.view.dispatch(editor.state.tr.replaceWith(letter.from, letter.to, rest));
    expect(marked(editor)[1]).toBe('Cost[-s fell-].');
    expect(suggestState(editor.state).all).toHaveLength(1);
  });

  it('takes back one’s own words for good', () => {
    const editor = brief();
    const before = editor.getJSON();
    caret(editor, 'Costs');
    type(editor, 'All ');
    for (let n = 0; n < 4; n += 1) press(editor, 'Backspace');
    expect(editor.getJSON()).toEqual(before);
  });

  it('replaces a selection and goes on behind it', () => {
    const shown = expectBoth((editor) => {
      const at = placeOf(editor, 'grew');
      select(editor, at, at + 4);
      type(editor, 'rose');
    });
    expect(shown[0]).toBe('Revenue [-grew-][+rose+] well • in 2025.');
  });

  it('strikes a citation out without losing it', () => {
    const shown = expectBoth((editor) => {
      const at = placeOf(editor, 'well');
      select(editor, at, at + 8);
      editor.commands.deleteSelection();
    });
    expect(shown[0]).toBe('Revenue grew [-well • i-]n 2025.');
  });

  it('puts citations in', () => {
    const shown = expectBoth((editor) => {
      caret(editor, 'Costs', 5);
      editor.commands.insertCitation('cit_2');
    });
    expect(shown[1]).toBe('Costs[+•+] fell.');
  });

  it('splits a block without striking anything out, and takes it back with Backspace', () => {
    const shown = expectBoth((editor) => {
      caret(editor, 'well');
      press(editor, 'Enter');
    });
    expect(shown).toEqual(['Revenue grew ', 'split:well • in 2025.', 'Costs fell.']);
    const editor = brief();
    const before = editor.getJSON();
    caret(editor, 'well');
    press(editor, 'Enter');
    type(editor, 'x');
    expect(marked(editor)[1]).toBe('split:[+x+]well • in 2025.');
    press(editor, 'Backspace');
    press(editor, 'Backspace');
    expect(editor.getJSON()).toEqual(before);
    expect(editor.state.selection.head).toBe(placeOf(editor, 'well'));
  });

  it('joins blocks only once that is accepted', () => {
    const shown = expectBoth((editor) => {
      caret(editor, 'Costs');
      press(editor, 'Backspace');
      type(editor, ' And');
    });
    expect(shown).toEqual(['Revenue grew well • in 2025.[+ And+]', 'joined:Costs fell.']);
  });

  it('goes on deleting past a joined block, either way', () => {
    expect(
      expectBoth((editor) => {
        caret(editor, 'Costs');
        press(editor, 'Backspace');
        press(editor, 'Backspace');
      }),
    ).toEqual(['Revenue grew well • in 2025[-.-]', 'joined:Costs fell.']);
    expect(
      expectBoth((editor) => {
        caret(editor, '2025.', 5);
        for (let n = 0; n < 3; n += 1) press(editor, 'Delete');
      }),
    ).toEqual(['Revenue grew well • in 2025.', 'joined:[-Co-]sts fell.']);
  });

  it('deletes across blocks', () => {
    const shown = expectBoth((editor) => {
      select(editor, placeOf(editor, 'in 2025'), placeOf(editor, 'fell'));
      editor.commands.deleteSelection();
    });
    expect(shown).toEqual(['Revenue grew well • [-in 2025.-]', 'joined:[-Costs -]fell.']);
  });

  it('begins new blocks, and many are one suggestion', () => {
    const editor = brief();
    caret(editor, 'fell.', 5);
    press(editor, 'Enter');
    type(editor, 'One');
    press(editor, 'Enter');
    type(editor, 'Two');
    expect(marked(editor).slice(1)).toEqual(['Costs fell.', 'inserted:One', 'inserted:Two']);
    expect(suggestState(editor.state).all).toHaveLength(1);
  });

  it('formats, and what was before comes back', () => {
    const editor = brief();
    const before = editor.getJSON();
    const at = placeOf(editor, 'grew');
    select(editor, at, at + 4);
    editor.commands.toggleBold();
    expect(suggestState(editor.state).all.map(({ summary }) => summary)).toEqual([
      'Format “grew”: bold',
    ]);
    editor.commands.toggleItalic();
    expect(suggestState(editor.state).all).toHaveLength(1);
    const all = editor.state.apply(rejectAll(editor.state));
    expect(all.doc.toJSON()).toEqual(before);
    editor.commands.toggleItalic();
    editor.commands.toggleBold();
    expect(editor.getJSON()).toEqual(before);
  });

  it('makes headings, lists, quotations, actions and tables', () => {
    expect(
      expectBoth((editor) => {
        caret(editor, 'Costs');
        editor.commands.setNode('heading', { level: 2 });
      })[1],
    ).toBe('changed:Costs fell.');
    for (const change of [
      (editor: Editor) => editor.commands.toggleBulletList(),
      (editor: Editor) => editor.commands.toggleBlockquote(),
      (editor: Editor) => editor.commands.toggleAction(),
      (editor: Editor) => editor.commands.toggleCodeBlock(),
      (editor: Editor) => editor.commands.setHorizontalRule(),
      (editor: Editor) => editor.commands.insertTable({ rows: 2, cols: 2, withHeaderRow: true }),
    ])
      expectBoth((editor) => {
        caret(editor, 'Costs', 5);
        change(editor);
      });
  });

  it('indents list items and adds and takes away rows and columns', () => {
    const list = {
      type: 'bulletList',
      attrs: { id: 'llllllllll' },
      content: ['one', 'two'].map((text, n) => ({
        type: 'listItem',
        attrs: { id: `item00000${n}` },
        content: [paragraph(`para00000${n}`, text)],
      })),
    };
    const table = {
      type: 'table',
      attrs: { id: 'tttttttttt' },
      content: [0, 1].map((row) => ({
        type: 'tableRow',
        attrs: { id: `row000000${row}` },
        content: [0, 1].map((cell) => ({
          type: 'tableCell',
          attrs: { id: `cell0000${row}${cell}` },
          content: [paragraph(`text0000${row}${cell}`, `r${row}c${cell}`)],
        })),
      })),
    };
    const changes: readonly [string, (editor: Editor) => void][] = [
      ['two', (editor) => editor.commands.sinkListItem('listItem')],
      ['wo', (editor) => press(editor, 'Enter')],
      ['two', (editor) => press(editor, 'Backspace')],
      ['one', (editor) => editor.commands.toggleOrderedList()],
      ['r0c0', (editor) => editor.commands.addRowAfter()],
      ['r0c0', (editor) => editor.commands.addColumnAfter()],
      ['r0c0', (editor) => editor.commands.deleteColumn()],
      ['r0c0', (editor) => editor.commands.deleteRow()],
      ['r0c0', (editor) => editor.commands.toggleHeaderRow()],
      ['r0c0', (editor) => editor.commands.deleteTable()],
    ];
    changes.forEach(([at, change], n) => {
      const editor = open();
      agree(editor, [list, table]);
      const before = editor.getJSON();
      const direct = open('Ada', undefined, false);
      agree(direct, [list, table]);
      for (const one of [editor, direct]) {
        caret(one, at);
        change(one);
      }
      expect(suggestState(editor.state).all.length, `change ${n}`).toBeGreaterThan(0);
      const rejected = editor.state.apply(rejectAll(editor.state)).doc;
      expect(rejected.toJSON(), `change ${n}`).toEqual(before);
      const accepted = editor.state.apply(acceptAll(editor.state)).doc;
      expect(textsOf(accepted), `change ${n}`).toEqual(textsOf(direct.state.doc));
      accepted.check();
    });
  });

  it('keeps an emoji whole', () => {
    const editor = open();
    agree(editor, [paragraph('aaaaaaaaaa', 'so 😀 it is')]);
    const at = placeOf(editor, '😀');
    select(editor, at, at + 2);
    type(editor, '😃');
    expect(marked(editor)).toEqual(['so [-😀-][+😃+] it is']);
  });

  it('pastes as text what was copied from among suggestions', () => {
    const editor = brief();
    caret(editor, 'well');
    type(editor, 'very ');
    const at = placeOf(editor, 'Revenue');
    select(editor, at, at + 7);
    editor.commands.deleteSelection();
    const slice = editor.state.doc.slice(0, editor.state.doc.child(0).nodeSize);
    let pasted = slice;
    editor.view.someProp('transformPasted', (change) => {
      pasted = change(pasted, editor.view, false);
    });
    expect(pasted.content.textBetween(0, pasted.content.size, '', '•')).toBe(
      ' grew very well • in 2025.',
    );
  });
});

describe('what others do', () => {
  it('is never rewritten, nor is an undo, which takes back one’s own suggestion', () => {
    const doc = new Y.Doc();
    const here = open('Ada', doc);
    agree(here, TWO);
    const there = new Y.Doc();
    meet(doc, there);
    const other = open('Bo', there, false);
    caret(other, 'Costs');
    other.view.dispatch(other.state.tr.insertText('All '));
    meet(doc, there);
    expect(marked(here)[1]).toBe('All Costs fell.');
    const before = here.getJSON();
    caret(here, 'fell');
    type(here, 'never ');
    expect(marked(here)[1]).toBe('All Costs [+never +]fell.');
    here.commands.undo();
    expect(here.getJSON()).toEqual(before);
  });

  it('stands beside: striking out another’s words marks them, and each decides on their own', () => {
    const doc = new Y.Doc();
    const here = open('Ada', doc);
    agree(here, TWO);
    caret(here, 'fell');
    type(here, 'never ');
    const there = new Y.Doc();
    meet(doc, there);
    const other = open('Bo', there);
    const at = placeOf(other, 'never');
    select(other, at, at + 6);
    other.commands.deleteSelection();
    meet(doc, there);
    expect(marked(here)[1]).toBe('Costs [+-never +-]fell.');
    const [first] = suggestState(here.state).all;
    expect(first?.author).toBe('ada');
    decideIn(here, 'accept', { author: 'ada' });
    expect(marked(here)[1]).toBe('Costs [-never -]fell.');
    decideIn(here, 'reject', { author: 'bo' });
    expect(marked(here)[1]).toBe('Costs never fell.');
  });

  it('typed in edit mode inside a suggestion is no part of it', () => {
    const editor = brief();
    caret(editor, 'fell');
    type(editor, 'never ');
    editor.commands.setSuggesting(false);
    const at = placeOf(editor, 'never') + 2;
    editor.commands.setTextSelection(at);
    const typed = editor.view.someProp('handleTextInput', (handle) =>
      handle(editor.view, at, at, 'X', () => editor.state.tr),
    );
    expect(typed).toBe(true);
    expect(marked(editor)[1]).toBe('Costs [+ne+]X[+ver +]fell.');
  });
});

describe('deciding', () => {
  it('goes from one suggestion to the next and around, by key', () => {
    const editor = brief();
    caret(editor, 'fell');
    type(editor, 'never ');
    caret(editor, 'grew');
    type(editor, 'hardly ');
    editor.commands.setTextSelection(1);
    expect(goToSuggestion(editor, 1)?.inserted).toBe('hardly ');
    expect(goToSuggestion(editor, 1)?.inserted).toBe('never ');
    expect(goToSuggestion(editor, 1)?.inserted).toBe('hardly ');
    expect(goToSuggestion(editor, -1)?.inserted).toBe('never ');
    press(editor, 'Enter', { altKey: true });
    expect(marked(editor)[1]).toBe('Costs never fell.');
    expect(suggestState(editor.state).all).toHaveLength(1);
    goToSuggestion(editor, 1);
    press(editor, 'Backspace', { altKey: true });
    expect(suggestState(editor.state).all).toHaveLength(0);
    expect(textsOf(editor.state.doc)[0]).toBe('paragraph: Revenue grew well • in 2025.');
  });

  it('is undone as one change', () => {
    const editor = brief();
    caret(editor, 'Costs');
    press(editor, 'Backspace');
    const pending = editor.getJSON();
    decideIn(editor, 'accept', {});
    expect(marked(editor)).toEqual(['Revenue grew well • in 2025.Costs fell.']);
    editor.commands.undo();
    expect(editor.getJSON()).toEqual(pending);
  });

  it('does nothing where the brief is only read', () => {
    const editor = brief();
    caret(editor, 'fell');
    type(editor, 'never ');
    editor.setEditable(false);
    expect(decideIn(editor, 'accept', {})).toBe(0);
    expect(marked(editor)[1]).toContain('[+never +]');
  });

  it('tells whether accepted words were a model’s', () => {
    const editor = brief();
    editor.commands.setSuggesting(false);
    const ai = { id: 'model', name: 'StratMaster', kind: 'ai' as const };
    const { tr } = editor.state;
    tr.insertText(' Margins held.', placeOf(editor, 'fell.') + 5).setMeta(SUGGEST_AS, ai);
    editor.view.dispatch(tr);
    expect(marked(editor)[1]).toBe('Costs fell.[+ Margins held.+]');
    const [one] = suggestState(editor.state).all;
    expect(one).toMatchObject({ kind: 'ai', name: 'StratMaster' });
    expect(accept(editor.state, one?.id ?? '').getMeta(ACCEPTED_FROM)).toBe('ai');
  });

  it('accepts a model’s block as the model’s words', () => {
    const editor = brief();
    editor.commands.setSuggesting(false);
    const ai = { id: 'model', name: 'StratMaster', kind: 'ai' as const };
    const content = [
      { type: 'text', text: 'Margins held ' },
      { type: 'citation', attrs: { cite: 'c9' } },
    ];
    editor
      .chain()
      .setMeta('origin', 'ai')
      .setMeta(SUGGEST_AS, ai)
      .insertContentAt(editor.state.doc.content.size, { type: 'paragraph', content })
      .run();
    expect(marked(editor)[2]).toBe('inserted:Margins held •');
    decideIn(editor, 'accept', { author: 'model' });
    expect(marked(editor)[2]).toBe('Margins held •');
    expect(editor.state.doc.lastChild?.attrs.origin).toBe('ai');
  });
});

describe('blocks kept from elsewhere', () => {
  it('are put in as suggestions: changed, new, and gone', () => {
    const editor = brief();
    editor.commands.setSuggesting(false);
    const before = editor.getJSON();
    const author = { id: 'ada', name: 'Ada', kind: 'person' as const };
    editor.view.dispatch(
      suggestBlocks(
        editor.state,
        [
          {
            kind: 'change',
            id: 'bbbbbbbbbb',
            content: paragraph('bbbbbbbbbb', 'Costs hardly fell.'),
          },
          { kind: 'insert', after: 'bbbbbbbbbb', content: paragraph('cccccccccc', 'New.') },
          { kind: 'insert', after: 'not-there', content: paragraph('dddddddddd', 'Homeless.') },
          { kind: 'delete', id: 'aaaaaaaaaa' },
        ],
        author,
      ),
    );
    expect(marked(editor)).toEqual([
      'deleted:Revenue grew well • in 2025.',
      'Costs [+hardly +]fell.',
      'inserted:New.',
      'inserted:Homeless.',
    ]);
    expect(new Set(idsOf(editor)).size).toBe(4);
    decideIn(editor, 'reject', {});
    expect(editor.getJSON()).toEqual(before);
  });
});

describe('two people deciding at once', () => {
  function pair(): [Editor, Editor, Y.Doc, Y.Doc] {
    const [a, b] = [new Y.Doc(), new Y.Doc()];
    const here = open('Ada', a);
    agree(here, TWO);
    caret(here, 'fell');
    type(here, 'never ');
    caret(here, 'grew');
    type(here, 'hardly ');
    meet(a, b);
    return [here, open('Bo', b), a, b];
  }

  it('on different suggestions agree', () => {
    const [here, there, a, b] = pair();
    const [first, second] = suggestState(here.state).all;
    decideIn(here, 'accept', { id: first?.id ?? '' });
    decideIn(there, 'reject', { id: second?.id ?? '' });
    meet(a, b);
    expect(bodyOf(a).toJSON()).toBe(bodyOf(b).toJSON());
    expect(textsOf(here.state.doc)).toEqual([
      'paragraph: Revenue hardly grew well • in 2025.',
      'paragraph: Costs fell.',
    ]);
    expect(suggestState(there.state).all).toHaveLength(0);
  });

  it('on one suggestion end one way, and nothing else is lost', () => {
    const [here, there, a, b] = pair();
    const [first] = suggestState(here.state).all;
    decideIn(here, 'accept', { id: first?.id ?? '' });
    decideIn(there, 'reject', { id: first?.id ?? '' });
    meet(a, b);
    expect(bodyOf(a).toJSON()).toBe(bodyOf(b).toJSON());
    expect(marked(here)).toEqual(marked(there));
    expect(marked(here)[1]).toBe('Costs [+never +]fell.');
    expect(marked(here)[0]).toMatch(/^Revenue (hardly )?grew well • in 2025\.$/);
  });
});
