import { Fragment, type Node } from '@tiptap/pm/model';
import type { Transaction } from '@tiptap/pm/state';

import { idOf, markOf, nodeStamp, type Stamp } from './model';

/** Takes a block away, with what would be left empty around it. */
export function removeBlock(tr: Transaction, pos: number): void {
  let $pos = tr.doc.resolve(pos);
  let from = pos;
  while ($pos.depth > 0 && $pos.parent.childCount === 1 && !isCell($pos.parent)) {
    from = $pos.before();
    $pos = tr.doc.resolve(from);
  }
  const node = tr.doc.nodeAt(from);
  if (!node) return;
  const index = $pos.index();
  if ($pos.parent.canReplace(index, index + 1)) tr.delete(from, from + node.nodeSize);
  else {
    // A cell, an item or the brief itself cannot be without a paragraph.
    const paragraph = tr.doc.type.schema.nodes.paragraph?.create();
    if (paragraph) tr.replaceWith(from, from + node.nodeSize, paragraph);
  }
}

function isCell(node: Node): boolean {
  return node.type.name === 'tableCell' || node.type.name === 'tableHeader';
}

interface Placed {
  node: Node;
  pos: number;
}

/**
 * The text block whose words go on in this one: the one it was split from or is to join, or what was
 * split off that one since and stands nearer. What is struck out takes in no words, unless it `stays`.
 */
function unionOf(
  doc: Node,
  of: string | undefined,
  pos: number,
  stays: (stamp: Stamp) => boolean,
): Placed | null {
  if (of === undefined) return null;
  const family = new Set([of]);
  let found: Placed | null = null;
  let part: string | undefined;
  doc.nodesBetween(0, pos, (node, at) => {
    if (at + node.nodeSize > pos && node.isTextblock) return false;
    const struck = nodeStamp(node, 'deleted');
    if (struck && !stays(struck)) return false;
    part = nodeStamp(node, 'split')?.of ?? (node.isTextblock ? part : undefined);
    if (!node.isTextblock) return true;
    const id = idOf(node);
    if (id !== null && (family.has(id) || (part !== undefined && family.has(part)))) {
      family.add(id);
      found = { node, pos: at };
    }
    part = undefined;
    return false;
  });
  return found;
}

/** The text block before a place, where the one that was to be joined is gone. */
function textBefore(doc: Node, pos: number, stays: (stamp: Stamp) => boolean): Placed | null {
  let found: Placed | null = null;
  doc.nodesBetween(0, pos, (node, at) => {
    const struck = nodeStamp(node, 'deleted');
    if (struck && !stays(struck)) return false;
    if (node.isTextblock && at + node.nodeSize <= pos) found = { node, pos: at };
    return !node.isTextblock;
  });
  return found;
}

/** A block that takes in words that are agreed on is agreed on itself; its own words are not yet. */
function agreeOn(tr: Transaction, pos: number): void {
  const node = tr.doc.nodeAt(pos);
  const stamp = node && nodeStamp(node, 'inserted');
  const insertion = tr.doc.type.schema.marks.insertion;
  if (!node || !stamp || !insertion) return;
  node.forEach((child, offset) => {
    const from = pos + 1 + offset;
    if (!child.isText) tr.setNodeAttribute(from, 'inserted', JSON.stringify(stamp));
    else if (!markOf(child.marks, 'insertion'))
      tr.addMark(from, from + child.nodeSize, insertion.create(stamp));
  });
  tr.setNodeAttribute(pos, 'inserted', null);
}

/** Has what followed one block follow another, of those behind a place. */
export function follow(
  tr: Transaction,
  from: string | undefined,
  to: string | null,
  after: number,
): void {
  if (from === undefined || to === null) return;
  const { doc } = tr;
  doc.nodesBetween(Math.min(after, doc.content.size), doc.content.size, (node, pos) => {
    if (pos < after) return true;
    for (const kind of ['split', 'joined'] as const) {
      const stamp = nodeStamp(node, kind);
      if (stamp?.of === from) tr.setNodeAttribute(pos, kind, JSON.stringify({ ...stamp, of: to }));
    }
    return !node.isTextblock;
  });
}

/** Appends a block's words to the block they were split from, or are to join. */
export function unite(
  tr: Transaction,
  kind: 'split' | 'joined',
  pos: number,
  node: Node,
  stays: (stamp: Stamp) => boolean,
): void {
  const text = node.isTextblock ? node : node.firstChild;
  const of = nodeStamp(node, kind)?.of;
  const into =
    unionOf(tr.doc, of, pos, stays) ?? (kind === 'joined' ? textBefore(tr.doc, pos, stays) : null);
  const fits =
    text?.isTextblock && into && into.node.type.spec.code === text.type.spec.code ? text : null;
  if (!fits || !into) {
    tr.setNodeAttribute(pos, kind, null);
    return;
  }
  const rest = node.isTextblock ? Fragment.empty : node.content.cut(fits.nodeSize);
  const end = into.pos + into.node.nodeSize;
  const start = tr.steps.length;
  const at = (place: number) => tr.mapping.slice(start).map(place, -1);
  if (rest.size > 0) {
    // What else the item holds follows the words, where that is possible.
    const $end = tr.doc.resolve(end);
    if (!$end.parent.canReplace($end.index(), $end.index(), rest)) {
      tr.setNodeAttribute(pos, kind, null);
      return;
    }
    tr.delete(pos, pos + node.nodeSize);
    tr.insert(end, rest);
  } else removeBlock(tr, pos);
  if (!nodeStamp(node, 'inserted')) agreeOn(tr, into.pos);
  tr.insert(at(end) - 1, fits.content);
  follow(tr, idOf(fits) ?? undefined, idOf(into.node), into.pos + 1);
}
