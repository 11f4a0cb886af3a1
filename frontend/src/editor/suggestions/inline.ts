import { Fragment, Mark, type Node, type Schema } from '@tiptap/pm/model';

import {
  isSuggestionMark,
  markOf,
  nodeStamp,
  ownAttrs,
  type Stamp,
  stampOf,
  withAttr,
} from './model';

/** One character (a whole code point) or one inline node of a text block. */
export interface Token {
  text: string | null;
  node: Node | null;
  marks: readonly Mark[];
  size: number;
}

/** On whose behalf a change is written down. */
export interface Pen {
  stamp: Stamp;
  /** The words stand in a block that this author proposes anyway: they need no marks. */
  own: boolean;
  /** What comes may come from elsewhere in the text: what was struck out there stays behind. */
  moved?: boolean;
}

/** `[fromA, toA)` of the tokens before became `[fromB, toB)` of those after. */
export interface Change {
  fromA: number;
  toA: number;
  fromB: number;
  toB: number;
}

export function tokensOf(block: Node): Token[] {
  const tokens: Token[] = [];
  block.forEach((child) => {
    if (child.isText)
      for (const text of child.text ?? '')
        tokens.push({ text, node: null, marks: child.marks, size: text.length });
    else tokens.push({ text: null, node: child, marks: child.marks, size: child.nodeSize });
  });
  return tokens;
}

export function fragmentOf(tokens: readonly Token[], schema: Schema): Fragment {
  const nodes: Node[] = [];
  let text = '';
  let marks: readonly Mark[] = [];
  const flush = () => {
    if (text) nodes.push(schema.text(text, marks));
    text = '';
  };
  for (const token of tokens) {
    if (token.node) {
      flush();
      nodes.push(token.node.mark(token.marks));
    } else {
      if (text && !Mark.sameSet(marks, token.marks)) flush();
      marks = token.marks;
      text += token.text ?? '';
    }
  }
  flush();
  return Fragment.fromArray(nodes);
}

export function sizeOf(tokens: readonly Token[]): number {
  return tokens.reduce((sum, { size }) => sum + size, 0);
}

/** The same character or citation, however it is marked. */
export function sameBase(a: Token, b: Token): boolean {
  if (a.node && b.node)
    return (
      a.node.type === b.node.type &&
      JSON.stringify(ownAttrs(a.node)) === JSON.stringify(ownAttrs(b.node))
    );
  return a.text !== null && a.text === b.text;
}

export function insertionOf(token: Token): Stamp | null {
  if (token.node) return nodeStamp(token.node, 'inserted');
  const mark = markOf(token.marks, 'insertion');
  return mark ? stampOf(mark.attrs) : null;
}

export function deletionOf(token: Token): Stamp | null {
  if (token.node) return nodeStamp(token.node, 'deleted');
  const mark = markOf(token.marks, 'deletion');
  return mark ? stampOf(mark.attrs) : null;
}

/** Without anything proposed. */
export function plain(token: Token): Token {
  const marks = token.marks.filter((mark) => !isSuggestionMark(mark));
  const node = token.node && withAttr(withAttr(token.node, 'inserted', null), 'deleted', null);
  return { ...token, marks, node };
}

function isMine(token: Token, { stamp, own }: Pen): boolean {
  const inserted = insertionOf(token);
  return inserted ? inserted.author === stamp.author : own;
}

function marked(token: Token, kind: 'insertion' | 'deletion', stamp: Stamp, schema: Schema): Token {
  if (token.node) {
    const attribute = kind === 'insertion' ? 'inserted' : 'deleted';
    return { ...token, node: withAttr(token.node, attribute, stamp) };
  }
  const mark = schema.marks[kind]?.create(stamp);
  return mark ? { ...token, marks: mark.addToSet(token.marks) } : token;
}

/** A removed token as it stays in the text: marked, or null if it was never agreed on. */
function removed(token: Token, pen: Pen, schema: Schema): Token | null {
  if (isMine(token, pen)) return null;
  return deletionOf(token) ? token : marked(token, 'deletion', pen.stamp, schema);
}

function added(token: Token, pen: Pen, schema: Schema): Token {
  return pen.own ? plain(token) : marked(plain(token), 'insertion', pen.stamp, schema);
}

/** The same token with other formatting, and what it was before. */
function formatted(a: Token, b: Token, pen: Pen, schema: Schema): Token {
  // The shared document keeps no marks of inline nodes.
  if (a.node) return a;
  const was = a.marks.filter((mark) => !isSuggestionMark(mark));
  const now = b.marks.filter((mark) => !isSuggestionMark(mark));
  if (Mark.sameSet(was, now)) return a;
  const pending = a.marks.filter(
    ({ type }) => type.name === 'insertion' || type.name === 'deletion',
  );
  const all = (marks: readonly Mark[]) =>
    [...pending, ...marks].reduce<readonly Mark[]>((set, mark) => mark.addToSet(set), []);
  if (isMine(a, pen)) return { ...a, marks: all(now) };
  const earlier = markOf(a.marks, 'formatting');
  const mine = earlier?.attrs.author === pen.stamp.author ? earlier : undefined;
  const before = mine
    ? String(mine.attrs.before)
    : JSON.stringify(
        [...was, ...(earlier ? [earlier] : [])].map((mark) => mark.toJSON() as unknown),
      );
  if (mine && before === JSON.stringify(now.map((mark) => mark.toJSON() as unknown)))
    return { ...a, marks: all(now) };
  const stamp = mine ? stampOf(mine.attrs) : pen.stamp;
  const mark = schema.marks.formatting?.create({ ...stamp, before });
  return { ...a, marks: all(mark ? [...now, mark] : now) };
}

function isLetter(token: Token | undefined): boolean {
  return typeof token?.text === 'string' && /[\p{L}\p{N}]/u.test(token.text);
}

/** Whether an edge of a change parts a word of which nothing is proposed yet. */
function inWord(a: readonly Token[], b: readonly Token[], i: number, j = i): boolean {
  const sides = [a[i - 1], b[j - 1], a[i], b[j]];
  if (sides.some((one) => one && (insertionOf(one) ?? deletionOf(one)))) return false;
  return (isLetter(a[i - 1]) && isLetter(a[i])) || (isLetter(b[j - 1]) && isLetter(b[j]));
}

export interface Tracked {
  tokens: Token[];
  /** Where an offset in the change's new content lies in `tokens`, in positions. */
  place: (offset: number, forward: boolean) => number;
}

/** One replacement written down: what went stays marked, what came is marked. */
export function track(a: readonly Token[], b: readonly Token[], pen: Pen, schema: Schema): Tracked {
  const least = Math.min(a.length, b.length);
  const same = (i: number, j: number) => {
    const [x, y] = [a[i], b[j]];
    return x !== undefined && y !== undefined && sameBase(x, y);
  };
  let head = 0;
  while (head < least && same(head, head)) head += 1;
  let tail = 0;
  while (tail < least - head && same(a.length - 1 - tail, b.length - 1 - tail)) tail += 1;
  // Words are replaced whole: “marke” by “segmen” is no suggestion that anybody reads.
  if (head + tail < least) {
    while (head > 0 && inWord(a, b, head)) head -= 1;
    while (tail > 0 && inWord(a, b, a.length - tail, b.length - tail)) tail -= 1;
  }

  const pair = (count: number, i: number, j: number) =>
    Array.from({ length: count }, (_, n) =>
      formatted(a[i + n] as Token, b[j + n] as Token, pen, schema),
    );
  const first = pair(head, 0, 0);
  const gone = a
    .slice(head, a.length - tail)
    .map((token) => removed(token, pen, schema))
    .filter((token) => token !== null);
  const come = b
    .slice(head, b.length - tail)
    .filter((token) => !(pen.moved && deletionOf(token)))
    .map((token) => added(token, pen, schema));
  const last = pair(tail, a.length - tail, b.length - tail);

  const before = sizeOf(first);
  const kept = sizeOf(gone);
  return {
    tokens: [...first, ...gone, ...come, ...last],
    place(offset, forward) {
      if (offset < before) return offset;
      if (offset > before) return offset + kept;
      return come.length === 0 && forward ? before + kept : before;
    },
  };
}

/** The stamp of one's own suggestion that a change goes on with, if it touches one. */
export function neighbour(beside: readonly (Token | undefined)[], author: string): Stamp | null {
  for (const token of beside) {
    if (!token) continue;
    const stamp = insertionOf(token) ?? deletionOf(token);
    if (stamp?.author === author) return stamp;
  }
  return null;
}
