import { readFileSync } from 'node:fs';

import type { Editor } from '@tiptap/core';
import type { Node } from '@tiptap/pm/model';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { cleanPasted, LONGEST_PASTE, tooLong } from './paste';
import { openEditor, paragraph } from './testEditor';

let editor: Editor;
let told: string[];

beforeEach(() => {
  told = [];
  editor = openEditor(undefined, { onProblem: (message) => told.push(message) });
  editor.commands.setContent([paragraph('aaaaaaaaaa')]);
});

afterEach(() => editor.destroy());

function fixture(name: string): string {
  return readFileSync(`src/editor/pasted/${name}`, 'utf8');
}

const event = () => new Event('paste') as ClipboardEvent;

/** A real event, as jsdom has no clipboard. */
function pasteEvent(kind: 'text/html' | 'text/plain', text: string): Event {
  const getData = (asked: string) => (asked === kind ? text : '');
  const made = new Event('paste', { bubbles: true, cancelable: true });
  return Object.assign(made, { clipboardData: { getData, files: [], types: [kind] } });
}

function pasteText(text: string): void {
  editor.view.dom.dispatchEvent(pasteEvent('text/plain', text));
}

/** A block as its kind, its marks in signs, and what it holds: short enough to compare whole. */
function sketch(node: Node): string {
  if (node.isText) {
    const SIGNS: Record<string, string> = {
      bold: '**',
      italic: '_',
      code: '`',
      strike: '~~',
      underline: '__',
    };
    return node.marks.reduce(
      (text, { type, attrs }) =>
        type.name === 'link'
          ? `[${text}](${String(attrs.href)})`
          : `${SIGNS[type.name] ?? '?'}${text}${SIGNS[type.name] ?? '?'}`,
      node.text ?? '',
    );
  }
  const inside = node.content.content.map(sketch).join(node.inlineContent ? '' : ' ');
  const NAMES: Record<string, string> = {
    paragraph: 'p',
    heading: `h${String(node.attrs.level)}`,
    bulletList: 'ul',
    orderedList: `ol${String(node.attrs.start)}`,
    listItem: 'li',
    tableRow: 'tr',
    tableHeader: 'th',
    tableCell: 'td',
    action: String(node.attrs.status),
    codeBlock: `code:${String(node.attrs.language)}`,
  };
  return `${NAMES[node.type.name] ?? node.type.name}(${inside.replace(/\u00a0/g, ' ').trim()})`;
}

function sketched(): string[] {
  return editor.state.doc.content.content.map(sketch);
}

const LIST = 'ul(li(p(Dealers) ul(li(p(in towns)))) li(p(Makers)))';

describe('what is pasted', () => {
  it('from Word keeps headings, list levels, numbers, tables, links and emphasis, and no more', () => {
    editor.view.pasteHTML(fixture('word.html'), event());
    expect(sketched()).toEqual([
      'h1(Cargo bikes)',
      'h1(The market)',
      'p(Sales in Austria **grew** by _12 %_, says [the study](https://example.org/study).)',
      LIST,
      'p(Then:)',
      'ol3(li(p(Ask them)))',
      'p([Sales by year])',
      'table(tr(td(p(**Year**)) td(p(**Bikes**))) tr(td(p(2025)) td(p())))',
    ]);
  });

  it('from Word in a browser keeps the same, though each item is a list of its own there', () => {
    editor.view.pasteHTML(fixture('word-online.html'), event());
    expect(sketched()).toEqual([
      'h2(The market)',
      'p(**Sales** grew, says [the study](https://example.org/study))',
      LIST,
      'table(tr(td(p(Year))) tr(td(p(2025))))',
    ]);
  });

  it('from Google Docs is bold only where it was, and links lead where they say', () => {
    editor.view.pasteHTML(fixture('google-docs.html'), event());
    expect(sketched()).toEqual([
      'h2(The market)',
      'p(Sales **grew** by _12 %_, says [the study](https://example.org/study?a=b)`n = 12`)',
      LIST,
      'p([Sales by year])',
      'table(tr(td(p(**Year**)) td(p(Bikes))) tr(td(p(2025)) td(p())))',
    ]);
  });

  it('from Notion keeps nested lists, code with its language, and things to do as actions', () => {
    editor.view.pasteHTML(fixture('notion.html'), event());
    expect(sketched()).toEqual([
      'h2(The market)',
      'p(Sales **grew** by _12 %_, says [the study](https://example.org/study); `n = 12`)',
      'ul(li(p(Dealers) ul(li(p(in towns) ol3(li(p(and villages)))))) li(p(Makers)))',
      'open(Ask the dealers)',
      'done(Ask the makers)',
      'code:python(growth = 0.12)',
      'blockquote(p(It grew.))',
      'table(tr(th(p(Year)) th(p(Bikes))) tr(td(p(2025)) td(p(1,200))))',
      'horizontalRule()',
    ]);
  });

  it('from a web page brings no script, style, tracker, picture or link that is none', () => {
    const title = document.title;
    const ask = vi.spyOn(globalThis, 'fetch');
    editor.view.pasteHTML(fixture('web.html'), event());
    expect(sketched()).toEqual([
      'h1(The market)',
      'h4(Small)',
      'p(Sales grew, says this, that, those and [the study](https://example.org/study?utm_source=x).)',
      'p([Sales by year])',
      'p(Press `Enter` and ~~not~~ __this__.)',
      'p(Bikes sold)',
      'table(tr(th(p(Year)) th(p(Bikes))) tr(td(p(2025))))',
      'done(Done this)',
      'open(To do)',
      'p(Somebody else’s marks)',
    ]);
    expect(document.title).toBe(title);
    expect(ask).not.toHaveBeenCalled();
    expect(editor.getHTML()).not.toMatch(/script|color|onclick|tracker|data-origin="human"/);
  });

  it('as Markdown becomes blocks, also where it is plain text with one sign of it', () => {
    pasteText(fixture('markdown.md'));
    expect(sketched()).toEqual([
      'h1(The market)',
      'p(Sales **grew** by _12 %_, says [the study](https://example.org/study), not this; `n = 12` ' +
        'and ~~not~~ snake_case_name, [as it is].)',
      'ul(li(p(Dealers) ul(li(p(in towns) ol3(li(p(and villages)))))) li(p(Makers)))',
      'open(Ask the dealers)',
      'done(Ask the makers)',
      'code:python(growth = 0.12\n# no heading)',
      'blockquote(p(It grew.))',
      'table(tr(th(p(Year)) th(p(Bikes))) tr(td(p(2025)) td(p(1|200))))',
      'horizontalRule()',
      'p([Sales by year])',
    ]);
  });

  it('as plain text stays as it stands', () => {
    pasteText('We sold 3 * 4 bikes - not 5.\nAnd a_b_c > d.');
    expect(sketched()).toEqual(['p(We sold 3 * 4 bikes - not 5.)', 'p(And a_b_c > d.)']);
  });

  it('into a code block stays as it stands, too', () => {
    editor.commands.setContent([{ type: 'codeBlock' }]);
    editor.commands.setTextSelection(1);
    pasteText('# no heading\n- no list');
    expect(sketched()).toEqual(['code:null(# no heading\n- no list)']);
  });
});

describe('a paste that is too long', () => {
  it('is refused with its size and the way out; one at the limit is not', () => {
    expect(tooLong(LONGEST_PASTE)).toBeNull();
    const far = pasteEvent('text/html', 'x'.repeat(5_000_000));
    editor.view.dom.dispatchEvent(far);
    expect(far.defaultPrevented).toBe(true);
    expect(told).toEqual([
      expect.stringMatching(/5\.0 million .* in parts, or add it as a source/),
    ]);
    expect(sketched()).toEqual(['p()']);
    expect(tooLong(LONGEST_PASTE + 1)).not.toBeNull();
  });
});

it('lists that name absurd levels are nested no deeper than programs do', () => {
  const items = [1, 500, 99999].map((level) => `<p style="mso-list:l0 level${level} lfo1">x</p>`);
  expect(cleanPasted(items.join('')).match(/<ul/g)).toHaveLength(2);
});
