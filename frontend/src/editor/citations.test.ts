import type { Editor } from '@tiptap/core';
import { NodeSelection } from '@tiptap/pm/state';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { chipName, citationsIn } from './citations';
import { textOf } from './extensions/clipboard';
import { cleanPasted } from './paste';
import { evidenceOf, openEditor, paragraph, placeOf } from './testEditor';

let editor: Editor;

function chips(): string[] {
  return [...editor.view.dom.querySelectorAll('.citation')].map((chip) => chip.textContent);
}

function cites(): string[] {
  return citationsIn(editor.state.doc).map(({ cite }) => cite);
}

// jsdom has no ClipboardEvent; the editor asks this one only for its place in the dispatch.
function paste(html: string): void {
  editor.view.pasteHTML(html, new Event('paste') as ClipboardEvent);
}

function press(key: string): void {
  editor.view.dom.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
}

afterEach(() => editor.destroy());

describe('a citation', () => {
  it('has the number of its first appearance, and the same evidence has one number', () => {
    const onCitations = vi.fn();
    editor = openEditor(undefined, { onCitations });
    editor.commands.setContent([
      paragraph('aaaaaaaaaa', 'One', { cite: 'cit_b' }, ' two', { cite: 'cit_a' }),
      paragraph('bbbbbbbbbb', 'Three', { cite: 'cit_b' }),
    ]);
    expect(chips()).toEqual(['1', '2', '1']);
    editor.commands.insertContentAt(1, { type: 'citation', attrs: { cite: 'cit_c' } });
    expect(chips()).toEqual(['1', '2', '3', '2']);
    expect(onCitations).toHaveBeenLastCalledWith(['cit_c', 'cit_b', 'cit_a']);
  });

  it('is named by number, title and page, and says what is wrong with it', () => {
    editor = openEditor();
    expect(chipName(2, evidenceOf('x'))).toBe('Citation 2: Report x, page 14');
    expect(chipName(2, { ...evidenceOf('x'), state: 'deleted' })).toContain('source was deleted');
    expect(chipName(2, { ...evidenceOf('x'), state: 'redacted' })).not.toContain('Report');
    expect(chipName(2, undefined)).toBe('Citation 2: being checked');
  });

  it('is selected by the first Backspace and deleted by the second', () => {
    editor = openEditor();
    editor.commands.setContent([paragraph('aaaaaaaaaa', 'Words', { cite: 'cit_a' }, 'after')]);
    editor.commands.setTextSelection(placeOf(editor, 'after'));
    press('Backspace');
    expect(editor.state.selection).toBeInstanceOf(NodeSelection);
    expect(cites()).toEqual(['cit_a']);
    press('Backspace');
    expect(cites()).toEqual([]);
    expect(editor.getText()).toContain('Wordsafter');
  });

  it('stays when somebody types while it is selected', () => {
    editor = openEditor();
    editor.commands.setContent([paragraph('aaaaaaaaaa', 'Words', { cite: 'cit_a' }, 'after')]);
    const at = placeOf(editor, 'after');
    const { tr, doc } = editor.state;
    editor.view.dispatch(tr.setSelection(NodeSelection.create(doc, at - 1)));
    const typed = { key: '!', charCode: '!'.charCodeAt(0) };
    editor.view.dom.dispatchEvent(new KeyboardEvent('keypress', typed));
    expect(cites()).toEqual(['cit_a']);
    expect(editor.getText()).toBe('Words!after');
    expect(editor.state.selection.from).toBe(at + 1);
  });

  it('is chosen by a click and by Enter, and Enter then writes no new line', () => {
    const onSelectCitation = vi.fn();
    editor = openEditor(undefined, { onSelectCitation });
    editor.commands.setContent([paragraph('aaaaaaaaaa', 'Words', { cite: 'cit_a' })]);
    editor.view.dom.querySelector<HTMLElement>('.citation')?.click();
    press('Enter');
    expect(onSelectCitation.mock.calls).toEqual([
      ['cit_a', 'aaaaaaaaaa'],
      ['cit_a', 'aaaaaaaaaa'],
    ]);
    expect(editor.state.doc.childCount).toBe(1);
  });

  it('can be replaced everywhere or in one block', () => {
    editor = openEditor();
    editor.commands.setContent([
      paragraph('aaaaaaaaaa', 'One', { cite: 'cit_a' }),
      paragraph('bbbbbbbbbb', 'Two', { cite: 'cit_a' }),
    ]);
    editor.commands.replaceCitation('cit_a', 'cit_b', 'bbbbbbbbbb');
    expect(cites()).toEqual(['cit_a', 'cit_b']);
  });
});

describe('copying', () => {
  const sentence = paragraph('aaaaaaaaaa', 'Revenue grew', { cite: 'cit_z' }, ' fast', {
    cite: 'cit_y',
  });

  it('writes numbers and a list of references for readers elsewhere', () => {
    editor = openEditor();
    editor.commands.setContent([sentence]);
    expect(textOf(editor.state.doc.content, evidenceOf)).toBe(
      'Revenue grew[1] fast[2]\n\nReferences\n' +
        '[1] Report cit_z, p. 14: “quote of cit_z”\n[2] Report cit_y, p. 14: “quote of cit_y”',
    );
  });

  it('and pasting back keeps every citation and leaves the list of references behind', () => {
    editor = openEditor();
    editor.commands.setContent([
      paragraph('bbbbbbbbbb', 'Before', { cite: 'cit_0' }),
      sentence,
      paragraph('cccccccccc', 'After'),
    ]);
    const { doc } = editor.state;
    const from = doc.child(0).nodeSize;
    const { dom, text } = editor.view.serializeForClipboard(
      doc.slice(from, from + doc.child(1).nodeSize),
    );
    expect(text).toContain('Revenue grew[1] fast[2]');
    expect(dom.innerHTML).toContain('[1]</sup>');
    expect(dom.textContent).toContain('References');
    editor.commands.setTextSelection(doc.content.size - 1);
    paste(dom.innerHTML);
    expect(cites()).toEqual(['cit_0', 'cit_z', 'cit_y', 'cit_z', 'cit_y']);
    expect(editor.getText()).not.toContain('References');
  });

  it('in from the web keeps structure and drops styles, scripts and pictures from elsewhere', () => {
    editor = openEditor();
    editor.commands.setContent([paragraph('aaaaaaaaaa')]);
    paste(
      '<style>p{color:red}</style><h2 style="color:red" class="x">Title</h2><script>1</script>' +
        '<p onclick="x()">Some <span style="font-weight:700">bold</span> ' +
        '<a href="javascript:alert(1)">bad</a> <a href="https://a.example/">good</a>' +
        '<img src="https://track.example/pixel.png"></p>',
    );
    const html = editor.getHTML();
    expect(html).toContain('<h2');
    expect(html).toContain('<strong>bold</strong>');
    expect(html).toContain('href="https://a.example/"');
    expect(html).not.toMatch(/javascript|color|track\.example|onclick/);
  });

  it('in from Word turns its list paragraphs into a list', () => {
    editor = openEditor();
    const item = (text: string) =>
      `<p class="MsoListParagraph" style="mso-list:l0"><span style="mso-list:Ignore">·  </span>${text}<o:p></o:p></p>`;
    const cleaned = cleanPasted(
      `<!--StartFragment-->${item('one')}${item('two')}<!--EndFragment-->`,
    );
    expect(cleaned).toBe('<ul><li>one</li><li>two</li></ul>');
  });
});
