import type { Node } from '@tiptap/pm/model';

/** The words of a text block with a position in the document for each character. */
export interface Words {
  text: string;
  /** `at[n]` is where character n stands, counted from the start of the block's content. */
  at: number[];
}

/** Reads a block's words as claims are told: citations left out, spaces run together. */
export function wordsOf(block: Node): Words {
  let text = '';
  const at: number[] = [];
  const put = (character: string, offset: number) => {
    // Most characters are letters, which need no pattern to be told from spaces.
    if ((character <= ' ' || character > '~') && /\s/.test(character)) {
      if (text === '' || text.endsWith(' ')) return;
      character = ' ';
    }
    text += character;
    at.push(offset);
  };
  block.forEach((child, offset) => {
    // Claims are told of what is agreed on.
    if (child.marks.some(({ type }) => type.name === 'insertion')) return;
    if (child.isText) {
      const words = child.text ?? '';
      for (let n = 0; n < words.length; n += 1) put(words.charAt(n), offset + n);
    } else if (child.type.name === 'hardBreak') put(' ', offset);
  });
  return { text, at };
}

/** Spaces before a full stop are what a citation left behind. */
function plain(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/ ([.,;:!?])/g, '$1')
    .trim();
}

const ENDED = /[.!?…]["'”’»)\]]*$/;

/** Whether a piece of text is a sentence there, not the beginning or end of a longer one. */
function isWhole(text: string, start: number, end: number): boolean {
  const after = text.slice(end).trimEnd();
  if (start > 0 && !/[\s("'“‘«[]/.test(text.charAt(start - 1))) return false;
  if (after === '' || /^[.!?…]/.test(after)) return true;
  return ENDED.test(text.slice(start, end)) && /^[\s"'”’»)\]]/.test(after);
}

// Blocks are immutable values, and each of a block's claims is looked for in the same words.
const read = new WeakMap<Node, Words>();

/** A block's words without the spaces that citations left behind. */
function closedUp(block: Node): Words {
  const before = read.get(block);
  if (before) return before;
  const words = wordsOf(block);
  const at: number[] = [];
  let text = '';
  for (let n = 0; n < words.text.length; n += 1) {
    const character = words.text.charAt(n);
    if (character === ' ' && /[.,;:!?]/.test(words.text.charAt(n + 1))) continue;
    text += character;
    at.push(words.at[n] ?? 0);
  }
  read.set(block, { text, at });
  return { text, at };
}

/** Where a sentence stands in a block, from its first to behind its last character. */
export function locate(block: Node, sentence: string): { from: number; to: number } | null {
  const { text, at } = closedUp(block);
  const wanted = plain(sentence);
  let start = wanted ? text.indexOf(wanted) : -1;
  while (start >= 0 && !isWhole(text, start, start + wanted.length))
    start = text.indexOf(wanted, start + 1);
  if (start < 0) return null;
  const from = at[start];
  const last = at[start + wanted.length - 1];
  return from === undefined || last === undefined ? null : { from, to: last + 1 };
}

const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });

/** The sentence that a citation put at a place would stand for: it ends there, or goes on. */
export function sentenceBefore(block: Node, offset: number): string {
  const { text, at } = wordsOf(block);
  let end = at.findIndex((place) => place >= offset);
  if (end < 0) end = text.length;
  const before = text.slice(0, end).trimEnd();
  return before === ''
    ? sentenceAt(block, offset)
    : (sentences
        .segment(text)
        .containing(before.length - 1)
        ?.segment.trim() ?? '');
}

/** The sentence of a block that a place in it belongs to. */
export function sentenceAt(block: Node, offset: number): string {
  const { text, at } = wordsOf(block);
  let index = at.findIndex((place) => place >= offset);
  if (index < 0) index = Math.max(0, text.length - 1);
  return sentences.segment(text).containing(index)?.segment.trim() ?? text.trim();
}
