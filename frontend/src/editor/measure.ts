import type { Node } from '@tiptap/pm/model';

import { NO_WORDS, type Origin, originOf, type Shares } from './provenance';

export interface Heading {
  pos: number;
  level: number;
  text: string;
}

export interface Measure {
  words: number;
  /** With spaces, without citations. */
  characters: number;
  headings: readonly Heading[];
  shares: Shares;
}

/** Words a minute of somebody who reads a text for work. */
const PACE = 230;

export function minutes(words: number): number {
  return Math.ceil(words / PACE);
}

function wordsIn(text: string): number {
  return text.match(/[\p{L}\p{N}]\S*/gu)?.length ?? 0;
}

/** Characters as Unicode counts them: an emoji of one is one. */
function lettersIn(text: string): number {
  return text.match(/./gsu)?.length ?? 0;
}

// Blocks are immutable values: what was counted in one holds until it is replaced.
const counted = new WeakMap<Node, { words: number; characters: number }>();

function countsOf(block: Node): { words: number; characters: number } {
  const before = counted.get(block);
  if (before) return before;
  const words = wordsIn(block.textBetween(0, block.content.size, ' ', ' '));
  const now = { words, characters: lettersIn(block.textContent) };
  counted.set(block, now);
  return now;
}

/** The size of a brief, its headings, and whose its words are. */
export function measure(doc: Node): Measure {
  const headings: Heading[] = [];
  const shares: Record<Origin | 'unknown', number> = { ...NO_WORDS };
  let characters = 0;
  doc.descendants((node, pos) => {
    if (!node.isTextblock) return true;
    const counts = countsOf(node);
    shares[originOf(node) ?? 'unknown'] += counts.words;
    characters += counts.characters;
    const text = node.type.name === 'heading' ? node.textContent.trim() : '';
    if (text) headings.push({ pos, level: Number(node.attrs.level), text });
    return false;
  });
  const words = Object.values(shares).reduce((sum, share) => sum + share, 0);
  return { words, characters, headings, shares };
}

/** Words and characters of a part. */
export function measurePart(doc: Node, from: number, to: number) {
  return {
    words: wordsIn(doc.textBetween(from, to, ' ', ' ')),
    characters: lettersIn(doc.textBetween(from, to)),
  };
}
