import { Mark, type Node } from '@tiptap/pm/model';
import type { EditorState, Transaction } from '@tiptap/pm/state';

import type { Decision } from '../once';
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
import { follow, removeBlock, unite } from './unite';

/** What a transaction that decided says of itself: the suggestions it settled. */
export const DECIDED = 'decidedSuggestions';
/** The `Decision` on a transaction that writes words anew, which another may do at the same moment. */
export const WRITES_ANEW = 'writesAnew';
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
 * and what others write there meanwhile would be lost. What writes words
 * anew is a part of its own.
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
  for (const task of texts.reverse()) {
    const from = at(task.from, 1);
    const anew = most === 1 && !task.node.isText && removes(task.kind, verdict);
    if (anew && did()) return true;
    const decision: Decision = {
      suggestion: task.stamp.id,
      block: anew ? atomAt(tr.doc, from, task.stamp) : '',
    };
    settleText(tr, task, verdict, from, at(task.to, -1));
    if (!anew) continue;
    tr.setMeta(WRITES_ANEW, decision);
    return true;
  }
  if (left.waiting) return did();
  for (const task of nodes.reverse()) {
    const pos = at(task.from, 1);
    const node = tr.doc.nodeAt(pos);
    const kind = task.kind as NodeKind;
    if (!node || nodeStamp(node, kind)?.id !== task.stamp.id) continue;
    const anew = most === 1 && writesAnew(node, kind, verdict);
    if (anew && did()) return true;
    settleNode(tr, kind, verdict, pos, node, stays);
    if (!anew) continue;
    const decision: Decision = { suggestion: task.stamp.id, block: idOf(node) };
    tr.setMeta(WRITES_ANEW, decision);
    return true;
  }
  return did();
}

function removes(kind: Piece['kind'], verdict: Verdict): boolean {
  return verdict === 'accept'
    ? kind === 'deletion' || kind === 'deleted'
    : kind === 'insertion' || kind === 'inserted';
}

/** The kind, if deciding so lets the words of a block go into another. */
function uniting(kind: NodeKind, verdict: Verdict): 'split' | 'joined' | null {
  if (kind === 'split' && verdict === 'reject') return kind;
  return kind === 'joined' && verdict === 'accept' ? kind : null;
}

/**
 * Names an atom by its block and its number among those of its suggestion there. Where one goes, the
 * shared document writes what follows it anew, as one text with what stands before.
 */
function atomAt(doc: Node, pos: number, { id }: Stamp): string {
  const { parent, parentOffset } = doc.resolve(pos);
  let number = 0;
  parent.forEach((child, offset) => {
    if (child.isText || offset >= parentOffset) return;
    if (proposedFor(child).some(({ stamp }) => stamp.id === id)) number += 1;
  });
  return `${idOf(parent)}/${number}`;
}

/** Whether deciding so writes words anew that stand in the shared document already. */
function writesAnew(node: Node, kind: NodeKind, verdict: Verdict): boolean {
  const type = nodeStamp(node, kind)?.before?.type ?? node.type.name;
  return uniting(kind, verdict) !== null || (verdict === 'reject' && type !== node.type.name);
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
  const union = uniting(kind, verdict);
  if (union) {
    unite(tr, union, pos, node, stays);
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
