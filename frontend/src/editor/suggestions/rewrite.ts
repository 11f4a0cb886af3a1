import { getChangedRanges } from '@tiptap/core';
import { Fragment, type Node, type ResolvedPos } from '@tiptap/pm/model';
import {
  type EditorState,
  NodeSelection,
  Selection,
  TextSelection,
  type Transaction,
} from '@tiptap/pm/state';
import { AddMarkStep, RemoveMarkStep, ReplaceStep } from '@tiptap/pm/transform';

import {
  deletionOf,
  fragmentOf,
  neighbour,
  sizeOf,
  type Token,
  tokensOf,
  track,
  type Tracked,
} from './inline';
import { merge } from './merge';
import { type Author, idOf, newStamp, nodeStamp } from './model';

/** What a rewritten transaction says of itself: who suggests. */
export const SUGGESTED = 'suggested';

/** A change of inline content, in positions of the documents before and after. */
interface Range {
  fromA: number;
  toA: number;
  fromB: number;
  toB: number;
}

/**
 * The same change as a suggestion by `author`: nothing that was agreed on goes, and what comes is
 * marked. `tr` must be made on `state` and not yet be applied.
 */
export function rewrite(state: EditorState, tr: Transaction, author: Author): Transaction {
  const out = state.tr;
  // What other extensions add to a change within a block they will add to this one as well.
  const ranges = inlineRanges(state.doc, tr.doc, tr);
  const after = ranges ? tr : state.applyTransaction(tr).state;
  const forward = isForward(state, tr);
  const place = ranges
    ? rewriteInline(out, state.doc, after.doc, ranges, author)
    : rewriteBlocks(out, state.doc, after.doc, author);
  const { selection } = after;
  out.setSelection(
    moved(selection, (pos) => Math.min(place(pos, forward), out.doc.content.size), out.doc),
  );
  copyMeta(tr, out);
  if (tr.scrolledIntoView) out.scrollIntoView();
  if (tr.storedMarksSet) out.setStoredMarks(tr.storedMarks);
  return out.setMeta(SUGGESTED, author);
}

// What a transaction was told about itself has to be told of the one in its place, and there is no
// other way to ask for all of it.
function copyMeta(from: Transaction, to: Transaction): void {
  const { meta } = from as unknown as { meta: Record<string, unknown> };
  for (const [key, value] of Object.entries(meta)) to.setMeta(key, value);
}

/** Whether a deletion went forward from the caret, which then belongs behind what it struck out. */
function isForward(state: EditorState, tr: Transaction): boolean {
  const { selection } = state;
  const step = tr.steps[0];
  return selection.empty && step instanceof ReplaceStep && step.from >= selection.head;
}

/** The ranges that changed, if each lies within one text block; else null. */
function inlineRanges(before: Node, after: Node, tr: Transaction): Range[] | null {
  const plain = tr.steps.every(
    (step) =>
      step instanceof ReplaceStep || step instanceof AddMarkStep || step instanceof RemoveMarkStep,
  );
  if (!plain) return null;
  const ranges: Range[] = [];
  const sorted = getChangedRanges(tr)
    .map(({ oldRange, newRange }) => ({
      fromA: oldRange.from,
      toA: oldRange.to,
      fromB: newRange.from,
      toB: newRange.to,
    }))
    .sort((a, b) => a.fromA - b.fromA || a.fromB - b.fromB);
  for (const range of sorted) {
    const last = ranges.at(-1);
    if (last && (range.fromA <= last.toA || range.fromB <= last.toB)) {
      last.toA = Math.max(last.toA, range.toA);
      last.toB = Math.max(last.toB, range.toB);
      last.fromB = Math.min(last.fromB, range.fromB);
    } else ranges.push(range);
  }
  const within = split(before, after, ranges);
  return within && agrees(before, after, within) ? within : null;
}

/** Marks may span blocks: such a range becomes one for each block. */
function split(before: Node, after: Node, ranges: readonly Range[]): Range[] | null {
  const all: Range[] = [];
  for (const range of ranges) {
    const { fromA, toA, fromB, toB } = range;
    if (toA > before.content.size || toB > after.content.size) return null;
    if (sameBlock(before, fromA, toA) && sameBlock(after, fromB, toB)) {
      all.push(range);
      continue;
    }
    // Positions that formatting alone leaves where they were.
    if (toA - fromA !== toB - fromB) return null;
    const shift = fromB - fromA;
    const same = { blocks: true };
    before.nodesBetween(fromA, toA, (node, pos) => {
      if (!node.isTextblock) return true;
      const other = after.nodeAt(pos + shift);
      if (!other?.isTextblock || other.content.size !== node.content.size) same.blocks = false;
      else
        all.push({
          fromA: Math.max(fromA, pos + 1),
          toA: Math.min(toA, pos + 1 + node.content.size),
          fromB: Math.max(fromA, pos + 1) + shift,
          toB: Math.min(toA, pos + 1 + node.content.size) + shift,
        });
      return false;
    });
    if (!same.blocks) return null;
  }
  return all;
}

function sameBlock(doc: Node, from: number, to: number): boolean {
  const [$from, $to] = [doc.resolve(from), doc.resolve(to)];
  return $from.parent.isTextblock && $from.sameParent($to);
}

/** Whether the documents are the same but for these ranges. */
function agrees(before: Node, after: Node, ranges: readonly Range[]): boolean {
  let [a, b] = [0, 0];
  for (const range of [...ranges, null]) {
    const toA = range?.fromA ?? before.content.size;
    const toB = range?.fromB ?? after.content.size;
    if (toA - a !== toB - b) return false;
    if (range) [a, b] = [range.toA, range.toB];
  }
  for (const { fromA, fromB } of ranges) {
    const [$a, $b] = [before.resolve(fromA), after.resolve(fromB)];
    if ($a.depth !== $b.depth || !samePath($a, $b)) return false;
  }
  return true;
}

function samePath($a: ResolvedPos, $b: ResolvedPos): boolean {
  for (let depth = $a.depth; depth > 0; depth -= 1)
    if (!$a.node(depth).sameMarkup($b.node(depth))) return false;
  return true;
}

type Place = (pos: number, forward: boolean) => number;

function rewriteInline(
  out: Transaction,
  before: Node,
  after: Node,
  ranges: readonly Range[],
  author: Author,
): Place {
  const stamp = newStamp(author);
  const { schema } = before.type;
  const done: { range: Range; tracked: Tracked; size: number }[] = [];
  for (const range of ranges) {
    const [a, b] = [cut(before, range.fromA, range.toA), cut(after, range.fromB, range.toB)];
    // A browser may tell of more than a key changed: what was struck out beside it, too.
    const [first, last] = [a.tokens[0], a.tokens.at(-1)].filter((one) => one && deletionOf(one));
    const beside = neighbour([a.before, first, last, a.after], author.id);
    const $a = before.resolve(range.fromA);
    const own = proposed($a, author.id);
    // Characters of two units are changed whole, or half of one would be left.
    const whole = {
      fromA: range.fromA - a.early,
      toA: range.toA + a.late,
      fromB: range.fromB - b.early,
      toB: range.toB + b.late,
    };
    const tracked = track(a.tokens, b.tokens, { stamp: beside ?? stamp, own }, schema);
    done.push({ range: whole, tracked, size: sizeOf(tracked.tokens) });
  }
  for (const { range, tracked } of [...done].reverse()) {
    const content = fragmentOf(tracked.tokens, schema);
    if (!content.eq(before.slice(range.fromA, range.toA).content))
      out.replaceWith(range.fromA, range.toA, content);
  }
  return (pos, forward) => {
    let shift = 0;
    for (const { range, tracked, size } of done) {
      if (pos < range.fromB) break;
      const start = range.fromB + shift;
      if (pos <= range.toB) return start + tracked.place(pos - range.fromB, forward);
      shift += size - (range.toB - range.fromB);
    }
    return pos + shift;
  };
}

interface Cut {
  tokens: Token[];
  before: Token | undefined;
  after: Token | undefined;
  /** By how much the cut begins earlier and ends later than asked, not to part a character. */
  early: number;
  late: number;
}

function cut(doc: Node, from: number, to: number): Cut {
  const $from = doc.resolve(from);
  const start = $from.start();
  const found: Cut = { tokens: [], before: undefined, after: undefined, early: 0, late: 0 };
  let at = start;
  for (const token of tokensOf($from.parent)) {
    const end = at + token.size;
    if (end <= from) found.before = token;
    else if (at >= to) found.after ??= token;
    else {
      if (at < from) found.early = from - at;
      if (end > to) found.late = end - to;
      found.tokens.push(token);
    }
    at = end;
  }
  return found;
}

/** Whether a place lies in a block that this author proposes to insert. */
function proposed($pos: ResolvedPos, author: string): boolean {
  for (let depth = $pos.depth; depth > 0; depth -= 1)
    if (nodeStamp($pos.node(depth), 'inserted')?.author === author) return true;
  return false;
}

function rewriteBlocks(out: Transaction, before: Node, after: Node, author: Author): Place {
  const { doc, places } = merge(before, after, newStamp(author));
  replaceDoc(out, doc);
  const starts = new Map<string, number>();
  out.doc.descendants((node, pos) => {
    const id = idOf(node);
    if (node.isTextblock && id !== null) starts.set(id, pos + 1);
    return !node.isTextblock;
  });
  return (pos, forward) => {
    const $pos = after.resolve(Math.min(pos, after.content.size));
    const find = $pos.parent.isTextblock ? places.get(idOf($pos.parent) ?? '') : undefined;
    const found = find?.($pos.parentOffset, forward);
    const start = found ? starts.get(found.id) : undefined;
    return found && start !== undefined ? start + found.offset : out.mapping.map(pos);
  };
}

/** Makes the document say this, touching only the blocks that differ. */
export function replaceDoc(out: Transaction, doc: Node): void {
  const old = out.doc;
  const least = Math.min(old.childCount, doc.childCount);
  let head = 0;
  while (head < least && old.child(head).eq(doc.child(head))) head += 1;
  let tail = 0;
  while (
    tail < least - head &&
    old.child(old.childCount - 1 - tail).eq(doc.child(doc.childCount - 1 - tail))
  )
    tail += 1;
  if (head + tail === old.childCount && head + tail === doc.childCount) return;
  let from = 0;
  for (let n = 0; n < head; n += 1) from += old.child(n).nodeSize;
  let to = old.content.size;
  for (let n = 0; n < tail; n += 1) to -= old.child(old.childCount - 1 - n).nodeSize;
  const nodes = Array.from({ length: doc.childCount - head - tail }, (_, n) => doc.child(head + n));
  out.replaceWith(from, to, Fragment.fromArray(nodes));
}

function moved(selection: Selection, place: (pos: number) => number, doc: Node): Selection {
  if (selection instanceof NodeSelection) {
    const at = place(selection.from);
    const node = doc.nodeAt(at);
    if (node && node.type === selection.node.type) return NodeSelection.create(doc, at);
    return Selection.near(doc.resolve(at));
  }
  const [anchor, head] = [place(selection.anchor), place(selection.head)];
  return TextSelection.between(doc.resolve(anchor), doc.resolve(head));
}
