import type { Node, ResolvedPos } from '@tiptap/pm/model';
import { type EditorState, TextSelection, type Transaction } from '@tiptap/pm/state';

import { idOf, markOf, newStamp, nodeStamp, type Author } from './model';

function isDeleted(node: Node | null): boolean {
  if (!node) return false;
  return node.isText ? markOf(node.marks, 'deletion') !== undefined : !!nodeStamp(node, 'deleted');
}

/** Past the words beside a place that are struck out already. */
function pastWords(doc: Node, pos: number, direction: -1 | 1): number {
  let at = pos;
  for (;;) {
    const $at = doc.resolve(at);
    const node = direction < 0 ? $at.nodeBefore : $at.nodeAfter;
    if (!node?.isInline || !isDeleted(node)) return at;
    at += direction * node.nodeSize;
  }
}

/** The text block before or after another one, as a person reads them. */
function textBeside(doc: Node, $pos: ResolvedPos, direction: -1 | 1) {
  let found: { node: Node; pos: number; struck: boolean } | null = null;
  const edge = direction < 0 ? $pos.before() : $pos.after();
  const [from, to] = direction < 0 ? [0, edge] : [edge, doc.content.size];
  doc.nodesBetween(from, to, (node, pos) => {
    if (pos + node.nodeSize <= from || pos >= to || (direction > 0 && found)) return false;
    if (node.isTextblock && (direction > 0 ? pos >= edge : pos + node.nodeSize <= edge))
      found = { node, pos, struck: isStruck(doc, pos) };
    return !node.isTextblock;
  });
  return found as { node: Node; pos: number; struck: boolean } | null;
}

function isStruck(doc: Node, pos: number): boolean {
  const $pos = doc.resolve(pos + 1);
  for (let depth = $pos.depth; depth > 0; depth -= 1)
    if (nodeStamp($pos.node(depth), 'deleted')) return true;
  return false;
}

function joinedAround($pos: ResolvedPos): boolean {
  for (let depth = $pos.depth; depth > 0; depth -= 1) {
    if (nodeStamp($pos.node(depth), 'joined')) return true;
    if ($pos.index(depth - 1) > 0 && depth < $pos.depth) return false;
  }
  return false;
}

/**
 * Takes the caret past what is struck out already before a key deletes on: another press would mark
 * the same words again. `done` where the key has nothing more to do.
 */
export function skipDeleted(
  state: EditorState,
  direction: -1 | 1,
  author: Author,
): { tr: Transaction | null; done: boolean } {
  const { doc, selection, tr } = state;
  if (!(selection instanceof TextSelection) || !selection.empty) return { tr: null, done: false };
  let at = pastWords(doc, selection.head, direction);
  for (;;) {
    const $at = doc.resolve(at);
    if (!$at.parent.isTextblock) break;
    const edge =
      direction < 0 ? $at.parentOffset === 0 : $at.parentOffset === $at.parent.content.size;
    if (!edge) break;
    const beside = textBeside(doc, $at, direction);
    if (!beside) break;
    const inner = beside.pos + 1 + (direction < 0 ? beside.node.content.size : 0);
    const second = direction < 0 ? $at : doc.resolve(inner);
    if (joinedAround(second) && !beside.struck) {
      at = pastWords(doc, inner, direction);
      continue;
    }
    if (!beside.struck) break;
    return struckBetween(state, at, direction, author);
  }
  return {
    tr: at === selection.head ? null : tr.setSelection(TextSelection.create(doc, at)),
    done: false,
  };
}

/** Blocks that are struck out stand between two that a key would join: those two are joined. */
function struckBetween(
  state: EditorState,
  at: number,
  direction: -1 | 1,
  author: Author,
): { tr: Transaction | null; done: boolean } {
  const { doc, tr } = state;
  let $at = doc.resolve(at);
  const $here = $at;
  for (;;) {
    const beside = textBeside(doc, $at, direction);
    if (!beside) return { tr: null, done: true };
    const inner = beside.pos + 1 + (direction < 0 ? beside.node.content.size : 0);
    $at = doc.resolve(inner);
    if (beside.struck) continue;
    const [first, second] = direction < 0 ? [$at, $here] : [$here, $at];
    const of = idOf(first.parent);
    if (of === null || first.depth !== second.depth || first.depth !== 1)
      return { tr: null, done: true };
    const held = nodeStamp(second.parent, 'joined');
    const stamp = held ?? { ...newStamp(author), of };
    tr.setNodeAttribute(second.before(), 'joined', JSON.stringify(stamp));
    return { tr: tr.setSelection(TextSelection.create(tr.doc, inner)), done: true };
  }
}
