import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';

import { losses } from './loss';

type Attributes = Record<string, string | number>;
type Child = Y.XmlElement | Y.XmlText;

function element(name: string, attributes: Attributes = {}, ...children: Child[]): Y.XmlElement {
  const made = new Y.XmlElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value as string);
  made.insert(0, children);
  return made;
}

const words = (text: string, marks?: object) => {
  const made = new Y.XmlText();
  made.insert(0, text, marks);
  return made;
};
const cite = (id: string) => element('citation', { cite: id });
const paragraph = (...children: Child[]) => element('paragraph', {}, ...children);

function told(...blocks: Y.XmlElement[]) {
  const body = new Y.Doc().getXmlFragment('body');
  body.insert(0, blocks);
  return losses(body);
}

describe('what a file shows otherwise', () => {
  it('is nothing where every part has its like in both formats', () => {
    const plain = told(
      element('heading', { level: 2 }, words('Costs')),
      paragraph(words('They rose', { bold: {}, link: { href: 'https://a.example' } })),
      element('bulletList', {}, element('listItem', {}, paragraph(words('fast')))),
      element('blockquote', {}, paragraph(words('so'))),
      element('image', { src: '/api/images/1' }),
      element(
        'table',
        {},
        element('tableRow', {}, element('tableHeader', { colspan: 1 }, paragraph())),
        element('tableRow', {}, element('tableCell', {}, paragraph(words('1')))),
      ),
    );
    expect(plain).toEqual({ md: [], docx: [] });
  });

  it('is counted, a citation that stands twice having one reference', () => {
    const both = told(
      paragraph(words('a'), cite('c1'), words('b'), cite('c2'), cite('c1')),
      element('action', { status: 'doing' }, words('Do it')),
    );
    for (const lines of [both.md, both.docx])
      expect(lines).toEqual([
        '3 citations become numbers, with 2 references at the end.',
        '1 action item has its owner, date and status as words behind it.',
      ]);
  });

  it('differs by format', () => {
    const { md, docx } = told(
      paragraph(words('a', { underline: {} }), words('b')),
      element('image', { src: '/api/images/1', width: 320 }),
      element('image', { src: '/api/images/2', width: 100 }),
      element('codeBlock', { language: 'sql' }, words('select 1')),
      element('blockquote', {}, paragraph(words('a')), element('bulletList')),
    );
    expect(md).toEqual([
      '2 pictures lose their width.',
      '1 underlined passage is written as HTML, which some readers show as text.',
    ]);
    expect(docx).toEqual([
      '2 pictures are as wide as their files say, or the page.',
      '1 code block loses the name of its language.',
      '1 block inside a quotation stands outside of it.',
    ]);
  });

  it('is found in tables: no heading row, merged cells, and cells with more than a paragraph', () => {
    const { md, docx } = told(
      element(
        'table',
        {},
        element(
          'tableRow',
          {},
          element('tableCell', { colspan: 2 }, paragraph()),
          element('tableCell', {}, paragraph(), paragraph()),
        ),
      ),
    );
    expect(docx).toEqual(['1 merged table cell comes apart into single ones.']);
    expect(md).toEqual([
      ...docx,
      '1 table gets an empty heading row.',
      '1 table cell with more than a paragraph keeps it as lines.',
    ]);
  });
});
