import type { Editor } from '@tiptap/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { citationsIn } from './citations';
import { findCount, MOST_PLACES, NOTHING, patternProblem, placesOf } from './extensions/find';
import { openEditor, paragraph } from './testEditor';

let editor: Editor;

beforeEach(() => {
  editor = openEditor();
  editor.commands.setContent([
    paragraph('aaaaaaaaaa', 'Sales grew. Presales', { cite: 'cit_a' }, ' and SALES fell.'),
    paragraph('bbbbbbbbbb', 'In 2024 and 2025, sales', { cite: 'cit_b' }, 'force €3.'),
  ]);
});

afterEach(() => editor.destroy());

function found(change: Partial<typeof NOTHING>): string[] {
  const { doc } = editor.state;
  return placesOf(doc, { ...NOTHING, ...change }).map(({ from, to }) => doc.textBetween(from, to));
}

function text(): string[] {
  return editor.state.doc.content.content.map((node) => node.textContent);
}

describe('finding', () => {
  it('tells capitals and whole words apart where asked', () => {
    expect(found({ text: 'sales' })).toEqual(['Sales', 'sales', 'SALES', 'sales']);
    expect(found({ text: 'sales', matchCase: true })).toEqual(['sales', 'sales']);
    expect(found({ text: 'sales', wholeWord: true })).toEqual(['Sales', 'SALES', 'sales']);
    expect(found({ text: '€3.', wholeWord: true })).toEqual(['€3.']);
  });

  it('takes signs as they are, and as a pattern only where asked', () => {
    expect(found({ text: 'fell.' })).toEqual(['fell.']);
    expect(found({ text: '20..' })).toEqual([]);
    expect(found({ text: '20..', pattern: true })).toEqual(['2024', '2025']);
    expect(found({ text: 'x*', pattern: true })).toEqual([]);
    expect(found({ text: '(', pattern: true })).toEqual([]);
    expect(patternProblem({ ...NOTHING, text: '(', pattern: true })).toMatch(/not complete/);
  });

  it('goes across marks and never across a citation', () => {
    editor.commands.toggleBold();
    editor.chain().setTextSelection({ from: 3, to: 8 }).toggleBold().run();
    expect(found({ text: 'Sales grew' })).toEqual(['Sales grew']);
    expect(found({ text: 'salesforce' })).toEqual([]);
    expect(found({ text: '.*', pattern: true })).toEqual([
      'Sales grew. Presales',
      ' and SALES fell.',
      'In 2024 and 2025, sales',
      'force €3.',
    ]);
  });

  it('marks at most so many places', () => {
    editor.commands.setContent([paragraph('aaaaaaaaaa', 'a'.repeat(MOST_PLACES + 1))]);
    expect(found({ text: 'a' })).toHaveLength(MOST_PLACES);
  });
});

describe('replacing', () => {
  it('all is one step of undo, keeps every citation and puts groups back in', () => {
    editor.commands.setFind({ ...NOTHING, text: '20(2[45])', pattern: true });
    editor.commands.setTextSelection(1);
    editor.commands.insertContent('Typed. ');
    editor.commands.replaceAllFound("'$1 ($&, $$)");
    expect(text()[1]).toBe("In '24 (2024, $) and '25 (2025, $), salesforce €3.");
    expect(citationsIn(editor.state.doc).map(({ cite }) => cite)).toEqual(['cit_a', 'cit_b']);
    editor.commands.undo();
    expect(text()[0]).toMatch(/^Typed/);
    expect(text()[1]).toContain('2024 and 2025');
  });

  it('one goes on to the next, also where what is put in is found again', () => {
    editor.commands.setFind({ ...NOTHING, text: 'sales' });
    expect(findCount(editor.state)).toEqual({ places: 4, current: 1 });
    editor.commands.replaceFound('net sales');
    expect(findCount(editor.state)).toEqual({ places: 4, current: 2 });
    editor.commands.replaceFound('x');
    expect(text()[0]).toBe('net sales grew. Prex and SALES fell.');
  });

  it('without a pattern takes $ as it is', () => {
    editor.commands.setFind({ ...NOTHING, text: 'fell' });
    editor.commands.replaceAllFound('$1 $&');
    expect(text()[0]).toContain('SALES $1 $&.');
  });
});
