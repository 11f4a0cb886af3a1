import type { Node } from '@tiptap/pm/model';
import type { EditorState } from '@tiptap/pm/state';

import {
  type InlineKind,
  INLINE_KINDS,
  markOf,
  NODE_KINDS,
  type NodeKind,
  nodeStamp,
  type Stamp,
  stampOf,
} from './model';

/** One place where a suggestion shows: some text, or a whole node. */
export interface Piece {
  from: number;
  to: number;
  kind: InlineKind | NodeKind;
  node: Node;
}

/** What one person (or model) proposes in one go, in reading order. */
export interface Suggestion extends Stamp {
  pieces: readonly Piece[];
  inserted: string;
  deleted: string;
  /** In a few words: Replace “12” with “14”. */
  summary: string;
}

const LONGEST = 80; // characters of a text in a summary

/** Everything proposed in a document, by where it first shows. */
export function suggestionsIn(doc: Node): Suggestion[] {
  const found = new Map<string, { stamp: Stamp; pieces: Piece[] }>();
  const add = (stamp: Stamp, piece: Piece) => {
    const known = found.get(stamp.id);
    if (known) known.pieces.push(piece);
    else found.set(stamp.id, { stamp, pieces: [piece] });
  };
  doc.forEach((block, offset) => {
    for (const { stamp, piece } of piecesOf(block))
      add(stamp, { ...piece, from: piece.from + offset, to: piece.to + offset });
  });
  return [...found.values()].map(({ stamp, pieces }) => described(stamp, pieces));
}

// Blocks are immutable values: a key changes one of them, and the others are not read again.
const read = new WeakMap<Node, readonly { stamp: Stamp; piece: Piece }[]>();

/** What is proposed in a block, counted from its beginning. */
function piecesOf(block: Node): readonly { stamp: Stamp; piece: Piece }[] {
  const before = read.get(block);
  if (before) return before;
  const found: { stamp: Stamp; piece: Piece }[] = [];
  const look = (node: Node, from: number) => {
    for (const { kind, stamp } of proposedFor(node))
      found.push({ stamp, piece: { from, to: from + node.nodeSize, kind, node } });
  };
  look(block, 0);
  block.descendants((node, pos) => look(node, pos + 1));
  read.set(block, found);
  return found;
}

/** What is proposed for a node itself. */
export function proposedFor(node: Node): { kind: Piece['kind']; stamp: Stamp }[] {
  if (node.isText)
    return node.marks.length === 0
      ? []
      : INLINE_KINDS.flatMap((kind) => {
          const mark = markOf(node.marks, kind);
          return mark ? [{ kind, stamp: stampOf(mark.attrs) }] : [];
        });
  return NODE_KINDS.flatMap((kind) => {
    const stamp = nodeStamp(node, kind);
    return stamp ? [{ kind, stamp }] : [];
  });
}

/** The suggestion at the caret: the one it stands in, else one that begins or ends there. */
export function suggestionAt(state: EditorState, all: readonly Suggestion[]): Suggestion | null {
  const { from, to } = state.selection;
  let touching: Suggestion | null = null;
  let around: Suggestion | null = null;
  let least = Infinity;
  for (const suggestion of all)
    for (const piece of suggestion.pieces) {
      if (piece.to < from || piece.from > to) continue;
      const size = piece.to - piece.from;
      if (piece.node.isInline && piece.from < Math.max(to, from + 1) && piece.to > from)
        return suggestion;
      if (piece.node.isInline) touching ??= suggestion;
      else if (piece.from < from && piece.to > to && size < least) {
        around = suggestion;
        least = size;
      }
    }
  return touching ?? around;
}

function described(stamp: Stamp, pieces: readonly Piece[]): Suggestion {
  const text = (kinds: readonly Piece['kind'][]) =>
    pieces
      .filter(({ kind }) => kinds.includes(kind))
      .map(({ node }) => (node.isText ? (node.text ?? '') : wordsOf(node)))
      .join('');
  const inserted = text(['insertion', 'inserted']);
  const deleted = text(['deletion', 'deleted']);
  return { ...stamp, pieces, inserted, deleted, summary: summary(pieces, inserted, deleted) };
}

function wordsOf(node: Node): string {
  if (node.type.name === 'citation') return '[citation]';
  return node.textBetween(0, node.content.size, ' ', ' ');
}

function quoted(text: string): string {
  const words = text.replace(/\s+/g, ' ').trim();
  return `“${words.length > LONGEST ? `${words.slice(0, LONGEST - 1)}…` : words}”`;
}

const NAMES: Record<string, string> = {
  paragraph: 'paragraph',
  heading: 'heading',
  bulletList: 'bullet list',
  orderedList: 'numbered list',
  listItem: 'list item',
  blockquote: 'quotation',
  codeBlock: 'code block',
  horizontalRule: 'divider',
  table: 'table',
  tableRow: 'table row',
  tableHeader: 'table cell',
  tableCell: 'table cell',
  image: 'picture',
  action: 'action item',
  hardBreak: 'line break',
};

const FORMATS: Record<string, string> = {
  bold: 'bold',
  italic: 'italic',
  underline: 'underline',
  strike: 'strike through',
  code: 'code',
  link: 'link',
};

function nameOf(node: { type: string; attrs: Record<string, unknown> }): string {
  const name = NAMES[node.type] ?? 'block';
  return node.type === 'heading' ? `${name} ${String(node.attrs.level)}` : name;
}

function summary(pieces: readonly Piece[], inserted: string, deleted: string): string {
  const has = (kind: Piece['kind']) => pieces.find((piece) => piece.kind === kind);
  const joined = has('joined') ? ' and join the blocks' : '';
  if (inserted.trim() && deleted.trim())
    return `Replace ${quoted(deleted)} with ${quoted(inserted)}${joined}`;
  if (inserted.trim()) return `Add ${quoted(inserted)}${joined}`;
  if (deleted.trim()) return `Delete ${quoted(deleted)}${joined}`;
  if (joined) return 'Join with the block above';
  if (has('split')) return 'Split the block here';
  const block = has('changed');
  if (block) return changeOf(block.node);
  const format = has('formatting');
  if (format) return formatOf(format.node);
  const put = has('inserted');
  if (put) return `Add a ${nameOf({ type: put.node.type.name, attrs: put.node.attrs })}`;
  const gone = has('deleted');
  if (gone) return `Delete a ${nameOf({ type: gone.node.type.name, attrs: gone.node.attrs })}`;
  return has('insertion') ? 'Add a space' : 'Delete a space';
}

function changeOf(node: Node): string {
  const before = nodeStamp(node, 'changed')?.before;
  if (!before) return 'Change the block';
  const [was, is] = [nameOf(before), nameOf({ type: node.type.name, attrs: node.attrs })];
  if (was !== is) return `Make the ${was} a ${is}`;
  const names = Object.keys(before.attrs).filter((key) => before.attrs[key] !== node.attrs[key]);
  const [one] = names;
  return one === undefined
    ? `Change the ${is}`
    : `${is.charAt(0).toUpperCase()}${is.slice(1)}: ${one} ${quoted(String(node.attrs[one] ?? ''))}`;
}

/** The names of the marks that a formatting suggestion keeps as what was before. */
export function formatsBefore(held: unknown): { type: string; attrs?: Record<string, unknown> }[] {
  try {
    const read: unknown = JSON.parse(String(held));
    return Array.isArray(read) ? (read as { type: string }[]) : [];
  } catch {
    return [];
  }
}

function formatOf(node: Node): string {
  const mark = markOf(node.marks, 'formatting');
  const was = new Set(formatsBefore(mark?.attrs.before).map(({ type }) => type));
  const is = new Set(node.marks.map(({ type }) => type.name));
  const names = Object.keys(FORMATS);
  const said = [
    ...names.filter((name) => is.has(name) && !was.has(name)).map((name) => FORMATS[name]),
    ...names.filter((name) => was.has(name) && !is.has(name)).map((name) => `no ${FORMATS[name]}`),
  ];
  const how = said.length > 0 ? said.join(', ') : 'another link';
  return `Format ${quoted(node.text ?? '')}: ${how}`;
}
