import * as Y from 'yjs';

import { count } from '../../ui/words';

type Format = 'md' | 'docx';

/** What of a brief a file shows otherwise than the editor does, counted. */
interface Seen {
  citations: number;
  references: Set<string>;
  widths: number;
  underlined: number;
  actions: number;
  languages: number;
  merged: number;
  headless: number;
  packed: number;
  inQuotes: number;
}

function spans(cell: Y.XmlElement): boolean {
  return ['colspan', 'rowspan'].some((name) => Number(cell.getAttribute(name) ?? 1) > 1);
}

function elements(parent: Y.XmlElement | Y.XmlFragment): Y.XmlElement[] {
  return parent.toArray().filter((child): child is Y.XmlElement => child instanceof Y.XmlElement);
}

function look(parent: Y.XmlElement | Y.XmlFragment, seen: Seen): void {
  for (const child of parent.toArray()) {
    if (child instanceof Y.XmlText) {
      const runs = child.toDelta() as { attributes?: Record<string, unknown> }[];
      seen.underlined += runs.filter(({ attributes }) => attributes?.underline).length;
    }
    if (!(child instanceof Y.XmlElement)) continue;
    switch (child.nodeName) {
      case 'citation':
        seen.citations += 1;
        seen.references.add(child.getAttribute('cite') ?? '');
        break;
      case 'image':
        if (Number(child.getAttribute('width') ?? 0) > 0) seen.widths += 1;
        break;
      case 'action':
        seen.actions += 1;
        break;
      case 'codeBlock':
        if (child.getAttribute('language')) seen.languages += 1;
        break;
      case 'blockquote':
        seen.inQuotes += elements(child).filter(({ nodeName }) => nodeName !== 'paragraph').length;
        break;
      case 'table': {
        const first = elements(child)[0];
        if (first && elements(first).some(({ nodeName }) => nodeName !== 'tableHeader'))
          seen.headless += 1;
        break;
      }
      case 'tableHeader':
      case 'tableCell': {
        const blocks = elements(child);
        if (spans(child)) seen.merged += 1;
        if (blocks.length > 1 || blocks.some(({ nodeName }) => nodeName !== 'paragraph'))
          seen.packed += 1;
        break;
      }
    }
    look(child, seen);
  }
}

/** What each file would show otherwise than the editor, in sentences; none where all is as it is. */
export function losses(body: Y.XmlFragment): Record<Format, string[]> {
  const seen: Seen = {
    citations: 0,
    references: new Set(),
    widths: 0,
    underlined: 0,
    actions: 0,
    languages: 0,
    merged: 0,
    headless: 0,
    packed: 0,
    inQuotes: 0,
  };
  look(body, seen);
  const counted = (n: number, what: string, one: string, many: string) =>
    n === 0 ? [] : [`${count(n, what)} ${n === 1 ? one : many}.`];
  const references = count(seen.references.size, 'reference');
  const both = [
    ...counted(
      seen.citations,
      'citation',
      `becomes a number, with ${references} at the end`,
      `become numbers, with ${references} at the end`,
    ),
    ...counted(
      seen.actions,
      'action item',
      'has its owner, date and status as words behind it',
      'have their owners, dates and status as words behind them',
    ),
    ...counted(
      seen.merged,
      'merged table cell',
      'comes apart into single ones',
      'come apart into single ones',
    ),
  ];
  return {
    md: [
      ...both,
      ...counted(seen.widths, 'picture', 'loses its width', 'lose their width'),
      ...counted(
        seen.underlined,
        'underlined passage',
        'is written as HTML, which some readers show as text',
        'are written as HTML, which some readers show as text',
      ),
      ...counted(seen.headless, 'table', 'gets an empty heading row', 'get an empty heading row'),
      ...counted(
        seen.packed,
        'table cell',
        'with more than a paragraph keeps it as lines',
        'with more than a paragraph keep it as lines',
      ),
    ],
    docx: [
      ...both,
      ...counted(
        seen.widths,
        'picture',
        'is as wide as its file says, or the page',
        'are as wide as their files say, or the page',
      ),
      ...counted(
        seen.languages,
        'code block',
        'loses the name of its language',
        'lose the names of their languages',
      ),
      ...counted(
        seen.inQuotes,
        'block',
        'inside a quotation stands outside of it',
        'inside quotations stand outside of them',
      ),
    ],
  };
}
