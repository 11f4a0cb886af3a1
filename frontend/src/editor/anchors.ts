import type { Node, ResolvedPos } from '@tiptap/pm/model';
import type { EditorState } from '@tiptap/pm/state';
import { ySyncPluginKey } from '@tiptap/y-tiptap';
import * as Y from 'yjs';

/**
 * Words of the shared document: the two Yjs positions of their first and last letter, and what they
 * can be found by where these letters were written anew, as a move or a split does.
 */
export interface Anchor extends Words {
  /** Relative positions, encoded, in base64. */
  start: string;
  end: string;
}

export interface Words {
  /** The id of the block they begin in. */
  block: string;
  text: string;
  /** What stands beside them in their blocks. */
  before: string;
  after: string;
}

export interface Range {
  from: number;
  to: number;
}

/** The most letters of words that are kept; longer ones are not looked for. */
const LONGEST = 1000;
const BESIDE = 24;
/** Found elsewhere than in their block, words and what is beside them have to be this many letters. */
const TELLING = 20;
/** Stands for a citation, a picture or a line break. */
export const ATOM = '\ufffc';

interface Binding {
  doc: Y.Doc;
  type: Y.XmlFragment;
  binding: { mapping: Map<unknown, Node | readonly Node[]> };
}

interface Leaf {
  /** Letters, or the element that an atom is in its parent. */
  type: Y.XmlText | Y.XmlFragment;
  /** Where the leaf begins in `type`. */
  index: number;
  from: number;
  size: number;
}

/** Where everything of the shared document stands in the editor's, as both are now. */
export class Survey {
  private readonly leaves: Leaf[] = [];
  private readonly starts = new Map<unknown, number>();
  private readonly doc: Y.Doc;
  private readonly mapping: Binding['binding']['mapping'];

  constructor(state: EditorState) {
    const sync = ySyncPluginKey.getState(state) as Binding;
    this.doc = sync.doc;
    this.mapping = sync.binding.mapping;
    this.walk(sync.type, 0);
  }

  private size(child: unknown): number {
    if (child instanceof Y.XmlText) return child.length;
    const node = this.mapping.get(child);
    return node && 'nodeSize' in node ? node.nodeSize : 0;
  }

  private walk(parent: Y.XmlFragment, start: number): void {
    this.starts.set(parent, start);
    let from = start;
    parent.toArray().forEach((child, index) => {
      const size = this.size(child);
      if (child instanceof Y.XmlText) {
        this.starts.set(child, from);
        this.leaves.push({ type: child, index: 0, from, size });
      } else if (child instanceof Y.XmlElement) {
        if (size === 1) this.leaves.push({ type: parent, index, from, size });
        else if (size > 1) this.walk(child, from + 1);
      }
      from += size;
    });
  }

  private place(position: Y.RelativePosition, undone: boolean): number | null {
    const at = Y.createAbsolutePositionFromRelativePosition(position, this.doc, undone);
    if (at === null) return null;
    const start = this.starts.get(at.type);
    if (start === undefined) return null;
    if (at.type instanceof Y.XmlText) return start + at.index;
    if (!(at.type instanceof Y.XmlFragment)) return null;
    let place = start;
    for (const child of at.type.toArray().slice(0, at.index)) place += this.size(child);
    return place;
  }

  /**
   * Where an anchor's letters stand; null where none of them is left. `undone` also finds those that
   * an undo on this page wrote anew, which no other page can know.
   */
  resolve(anchor: Anchor, undone = true): Range | null {
    const [start, end] = [decode(anchor.start), decode(anchor.end)];
    const from = start && this.place(start, undone);
    const to = end && this.place(end, undone);
    return from !== null && to !== null && from < to ? { from, to } : null;
  }

  /** The anchor of a range; null where nothing stands in it. */
  anchor(doc: Node, { from, to }: Range): Anchor | null {
    const first = this.leaves.find((leaf) => leaf.size > 0 && leaf.from + leaf.size > from);
    const last = this.leaves.findLast((leaf) => leaf.size > 0 && leaf.from < to);
    if (!first || !last) return null;
    const inFirst = Math.max(from - first.from, 0);
    const inLast = Math.min(to - last.from, last.size);
    const range = { from: first.from + inFirst, to: last.from + inLast };
    if (range.from >= range.to) return null;
    // Each end holds on to its own letter, so that what is written beside them stays outside.
    const start = Y.createRelativePositionFromTypeIndex(first.type, first.index + inFirst, 0);
    const end = Y.createRelativePositionFromTypeIndex(last.type, last.index + inLast, -1);
    return { start: encode(start), end: encode(end), ...wordsOf(doc, range) };
  }
}

function encode(position: Y.RelativePosition): string {
  return btoa(String.fromCharCode(...Y.encodeRelativePosition(position)));
}

function decode(position: string): Y.RelativePosition | null {
  try {
    const bytes = Uint8Array.from(atob(position), (character) => character.charCodeAt(0));
    return Y.decodeRelativePosition(bytes);
  } catch {
    return null; // written by something that is not this page
  }
}

function flat(node: Node, from = 0, to = node.content.size): string {
  return node.textBetween(from, to, '\n', ATOM);
}

function beside($pos: ResolvedPos, side: -1 | 1): string {
  const { parent, parentOffset: at } = $pos;
  if (!parent.isTextblock) return '';
  return side < 0
    ? flat(parent, Math.max(0, at - BESIDE), at)
    : flat(parent, at, Math.min(parent.content.size, at + BESIDE));
}

/** What the words of a range can be found by. */
export function wordsOf(doc: Node, { from, to }: Range): Words {
  const $from = doc.resolve(from);
  let block = '';
  for (let depth = $from.depth; depth > 0 && !block; depth -= 1) {
    const id: unknown = $from.node(depth).attrs.id;
    if (typeof id === 'string') block = id;
  }
  return {
    block,
    text: doc.textBetween(from, to, '\n', ATOM).slice(0, LONGEST) || ATOM,
    before: beside($from, -1),
    after: beside(doc.resolve(to), 1),
  };
}

interface Lines {
  id: unknown;
  text: string;
  start: number;
}

/** Every block of text, in reading order; made once for all that is looked for in a document. */
export function linesOf(doc: Node): Lines[] {
  const lines: Lines[] = [];
  doc.descendants((node, pos) => {
    if (node.isTextblock) lines.push({ id: node.attrs.id, text: flat(node), start: pos + 1 });
    return !node.isTextblock;
  });
  return lines;
}

/**
 * Finds words that were written anew: with the same words beside them, in their block or, where they
 * are telling enough to be meant, in the one other place that has them.
 */
export function find(lines: readonly Lines[], words: Words): Range | null {
  const { block, text, before, after } = words;
  if (text.length >= LONGEST) return null;
  const parts = text.split('\n');
  const [head = '', tail = ''] = [parts[0], parts.at(-1)];
  const found: (Range & { own: boolean })[] = [];
  lines.forEach((line, n) => {
    const last = lines[n + parts.length - 1];
    if (!last) return;
    const whole = parts.slice(1, -1).every((part, i) => lines[n + 1 + i]?.text === part);
    if (!whole) return;
    for (let at = line.text.indexOf(head); at >= 0; at = line.text.indexOf(head, at + 1)) {
      const end = parts.length === 1 ? at + head.length : tail.length;
      const fits =
        line.text.slice(Math.max(0, at - BESIDE), at) === before &&
        (parts.length === 1 ||
          (at + head.length === line.text.length && last.text.startsWith(tail))) &&
        last.text.slice(end, end + BESIDE) === after;
      if (fits) found.push({ from: line.start + at, to: last.start + end, own: line.id === block });
      if (!head) break;
    }
  });
  const chosen =
    found.find(({ own }) => own) ??
    (found.length === 1 && before.length + text.length + after.length >= TELLING ? found[0] : null);
  return chosen && chosen.from < chosen.to ? { from: chosen.from, to: chosen.to } : null;
}
