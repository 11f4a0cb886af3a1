import type { Mark, Node } from '@tiptap/pm/model';

/** Who proposes: a person, or a model whose words a person has yet to accept. */
export interface Author {
  id: string;
  name: string;
  kind: 'person' | 'ai';
  color?: string;
}

/** What every piece of a suggestion carries. Flat, because marks of shared text must be. */
export interface Stamp {
  id: string;
  author: string;
  name: string;
  kind: 'person' | 'ai';
  /** When it was begun, in ISO 8601. */
  at: string;
  color: string;
}

export const INLINE_KINDS = ['insertion', 'deletion', 'formatting'] as const;
/** What is proposed for a whole node; each stands in an attribute of that name, as JSON. */
export const NODE_KINDS = ['inserted', 'deleted', 'split', 'joined', 'changed'] as const;

export type InlineKind = (typeof INLINE_KINDS)[number];
export type NodeKind = (typeof NODE_KINDS)[number];

/** A stamp on a node. `of` is the block it was split from or joins; `before` what it was. */
export interface NodeStamp extends Stamp {
  of?: string;
  before?: { type: string; attrs: Record<string, unknown> };
}

/** The shared document drops marks of nodes that are not text: these carry attributes instead. */
export const MARKED_ATOMS = ['citation', 'hardBreak'] as const;

const INLINE: ReadonlySet<string> = new Set(INLINE_KINDS);
const NODE: ReadonlySet<string> = new Set(NODE_KINDS);

/** Attributes that follow from writing and are proposed by nobody. */
const KEPT: ReadonlySet<string> = new Set(['id', 'origin', 'prompt']);

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
const COLOR = /^#[0-9a-f]{6}$/i;

export function newStamp(author: Author): Stamp {
  let id = '';
  for (const byte of crypto.getRandomValues(new Uint8Array(10)))
    id += LETTERS.charAt(byte % LETTERS.length);
  return {
    id,
    author: author.id,
    name: author.name,
    kind: author.kind,
    at: new Date().toISOString().slice(0, 19) + 'Z',
    color: author.color ?? '',
  };
}

/** A colour that is safe to put in a style, whatever another client wrote. */
export function colorOf({ color }: { color: string }): string | null {
  return COLOR.test(color) ? color : null;
}

export function stampOf(from: Record<string, unknown>): Stamp {
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return {
    id: text(from.id),
    author: text(from.author),
    name: text(from.name),
    kind: from.kind === 'ai' ? 'ai' : 'person',
    at: text(from.at),
    color: text(from.color),
  };
}

/** The stamp that a node carries for something proposed for all of it. */
export function nodeStamp(node: Node, kind: NodeKind): NodeStamp | null {
  const held: unknown = node.attrs[kind];
  if (typeof held !== 'string' || held === '') return null;
  try {
    const read = JSON.parse(held) as Record<string, unknown>;
    const stamp: NodeStamp = stampOf(read);
    if (typeof read.of === 'string') stamp.of = read.of;
    const before = read.before as NodeStamp['before'];
    if (before && typeof before.type === 'string') stamp.before = before;
    return stamp.id ? stamp : null;
  } catch {
    return null;
  }
}

export function isSuggestionMark(mark: Mark): boolean {
  return INLINE.has(mark.type.name);
}

export function markOf(marks: readonly Mark[], kind: InlineKind): Mark | undefined {
  return marks.find((mark) => mark.type.name === kind);
}

/** A node's attributes without what is proposed and without bookkeeping. */
export function ownAttrs(node: Node): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(node.attrs).filter(([name]) => !NODE.has(name) && !KEPT.has(name)),
  );
}

/** The attributes of a node with everything that is proposed for it taken off. */
export function plainAttrs(node: Node): Record<string, unknown> {
  return Object.fromEntries(Object.entries(node.attrs).filter(([name]) => !NODE.has(name)));
}

export function sameMarkup(a: Node, b: Node): boolean {
  return a.type === b.type && JSON.stringify(ownAttrs(a)) === JSON.stringify(ownAttrs(b));
}

export function withAttr(node: Node, kind: NodeKind, stamp: NodeStamp | null): Node {
  const attrs = { ...node.attrs, [kind]: stamp && JSON.stringify(stamp) };
  return node.type.create(attrs, node.content, node.marks);
}

export function idOf(node: Node): string | null {
  const id: unknown = node.attrs.id;
  return typeof id === 'string' ? id : null;
}
