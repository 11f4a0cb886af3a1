import { Fragment, Mark, type Node } from '@tiptap/pm/model';
import type { EditorState, Transaction } from '@tiptap/pm/state';

import { formatsBefore, proposedFor, suggestionsIn, type Piece } from './list';
import {
  idOf,
  isSuggestionMark,
  markOf,
  type NodeKind,
  nodeStamp,
  plainAttrs,
  type Stamp,
} from './model';

/** What a transaction that decided says of itself: the suggestions it settled. */
export const DECIDED = 'decidedSuggestions';
/** Who wrote what a transaction accepted; words of a model are known by it from then on. */
export const ACCEPTED_FROM = 'acceptedFrom';

export type Verdict = 'accept' | 'reject';
export type Which = (stamp: Stamp) => boolean;

/** Which suggestions: all, those of one author, or one. */
export interface Selection {
  author?: string;
  id?: string;
}

export function accept(state: EditorState, id: string): Transaction {
  return decide(state, 'accept', { id });
}

export function reject(state: EditorState, id: string): Transaction {
  return decide(state, 'reject', { id });
}

export function acceptAll(state: EditorState, { author }: Selection = {}): Transaction {
  return decide(state, 'accept', author === undefined ? {} : { author });
}

export function rejectAll(state: EditorState, { author }: Selection = {}): Transaction {
  return decide(state, 'reject', author === undefined ? {} : { author });
}

/** Settles suggestions: accepted they are text, rejected the text is as it was before them. */
export function decide(state: EditorState, verdict: Verdict, which: Selection): Transaction {
  const { tr } = state;
  // Formatting over formatting shows what lies below only once it is gone.
  while (settle(tr, verdict, which, Infinity)) continue;
  return described(tr, state.doc, verdict, which);
}

/**
 * One part of a decision, or null when nothing is left of it. Each part changes every text block in
 * one place at most: the shared document takes what lies between two changes for changed as well,
 * and what others write there meanwhile would be lost.
 */
export function decideStep(
  state: EditorState,
  verdict: Verdict,
  which: Selection,
): Transaction | null {
  const { tr } = state;
  return settle(tr, verdict, which, 1) ? described(tr, state.doc, verdict, which) : null;
}

function matcher({ author, id }: Selection): Which {
  return (stamp) =>
    (author === undefined || stamp.author === author) && (id === undefined || stamp.id === id);
}

function described(tr: Transaction, before: Node, verdict: Verdict, which: Selection): Transaction {
  const settled = suggestionsIn(before).filter(matcher(which));
  tr.setMeta(DECIDED, { verdict, ids: settled.map(({ id }) => id) });
  if (verdict === 'accept' && settled.length > 0)
    tr.setMeta(ACCEPTED_FROM, settled.some(({ kind }) => kind === 'ai') ? 'ai' : 'person');
  return tr;
}

interface Task extends Piece {
  stamp: Stamp;
}

/** Settles what it may; whether there was anything. `most` text changes for each block. */
function settle(tr: Transaction, verdict: Verdict, selection: Selection, most: number): boolean {
  const which = matcher(selection);
  const texts: Task[] = [];
  const nodes: Task[] = [];
  const left = { waiting: false };
  let changes = 0;
  tr.doc.descendants((node, pos, parent) => {
    if (parent?.isTextblock && parent.firstChild === node) changes = 0;
    const here = proposedFor(node).filter(({ stamp }) => which(stamp));
    for (const { kind, stamp } of here) {
      const task = { from: pos, to: pos + node.nodeSize, kind, node, stamp };
      if (!node.isInline) nodes.push(task);
      else if (removes(kind, verdict)) {
        // Neighbours that both go are one change.
        const last = texts.at(-1);
        if (!(last && last.to === pos && removes(last.kind, verdict))) changes += 1;
        if (changes > most) left.waiting = true;
        else texts.push(task);
      } else texts.push(task);
    }
    // What goes as a whole takes along what it holds.
    return !here.some(({ kind }) => !node.isInline && removes(kind, verdict));
  });
  if (texts.length === 0 && nodes.length === 0) return false;
  const start = tr.steps.length;
  const at = (pos: number, side: -1 | 1) => tr.mapping.slice(start).map(pos, side);
  const stays = (stamp: Stamp) => verdict === 'reject' && which(stamp);
  const did = () => tr.steps.length > start;
  for (const task of texts.reverse())
    settleText(tr, task, verdict, at(task.from, 1), at(task.to, -1));
  if (left.waiting) return did();
  for (const task of nodes.reverse()) {
    const pos = at(task.from, 1);
    const node = tr.doc.nodeAt(pos);
    const kind = task.kind as NodeKind;
    if (node && nodeStamp(node, kind)?.id === task.stamp.id)
      settleNode(tr, kind, verdict, pos, node, stays);
  }
  return did();
}

function removes(kind: Piece['kind'], verdict: Verdict): boolean {
  return verdict === 'accept'
    ? kind === 'deletion' || kind === 'deleted'
    : kind === 'insertion' || kind === 'inserted';
}

function settleText(tr: Transaction, task: Task, verdict: Verdict, from: number, to: number): void {
  if (from >= to) return;
  const node = tr.doc.nodeAt(from);
  if (!node) return;
  if (removes(task.kind, verdict)) tr.delete(from, to);
  else if (!node.isText) tr.setNodeAttribute(from, task.kind, null);
  else if (task.kind === 'formatting' && verdict === 'reject') {
    const mark = markOf(node.marks, 'formatting');
    const pending = node.marks.filter(
      (one) => isSuggestionMark(one) && one.type.name !== 'formatting',
    );
    const wanted = [...pending, ...marksBefore(tr.doc, mark)].reduce<readonly Mark[]>(
      (set, one) => one.addToSet(set),
      [],
    );
    for (const one of node.marks) if (!one.isInSet(wanted)) tr.removeMark(from, to, one);
    for (const one of wanted) if (!one.isInSet(node.marks)) tr.addMark(from, to, one);
  } else {
    const mark = markOf(node.marks, task.kind as 'insertion');
    if (mark) tr.removeMark(from, to, mark);
  }
}

function marksBefore(doc: Node, mark: Mark | undefined): Mark[] {
  const { schema } = doc.type;
  return formatsBefore(mark?.attrs.before).flatMap(({ type, attrs }) =>
    schema.marks[type] ? [schema.marks[type].create(attrs)] : [],
  );
}

function settleNode(
  tr: Transaction,
  kind: NodeKind,
  verdict: Verdict,
  pos: number,
  node: Node,
  stays: (stamp: Stamp) => boolean,
): void {
  if (removes(kind, verdict)) {
    removeBlock(tr, pos);
    return;
  }
  if ((kind === 'split' && verdict === 'reject') || (kind === 'joined' && verdict === 'accept')) {
    unite(tr, kind, pos, node, stays);
    return;
  }
  const before = kind === 'changed' && verdict === 'reject' ? nodeStamp(node, kind)?.before : null;
  const type = before && tr.doc.type.schema.nodes[before.type];
  if (before && type && type.validContent(node.content)) {
    const held = Object.fromEntries(
      Object.entries(node.attrs).filter(([name]) => !(name in plainAttrs(node))),
    );
    const kept = { id: node.attrs.id as unknown, origin: node.attrs.origin as unknown };
    tr.setNodeMarkup(pos, type, { ...kept, ...before.attrs, ...held, changed: null });
  } else {
    tr.setNodeAttribute(pos, kind, null);
    const text = node.isTextblock ? node : node.firstChild;
    if (kind === 'split' && text)
      follow(tr, nodeStamp(node, kind)?.of, idOf(text), pos + node.nodeSize);
  }
}

/** Takes a block away, with what would be left empty around it. */
function removeBlock(tr: Transaction, pos: number): void {
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
function follow(tr: Transaction, from: string | undefined, to: string | null, after: number): void {
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
function unite(
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
