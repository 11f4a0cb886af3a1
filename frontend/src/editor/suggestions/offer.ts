import type { JSONContent } from '@tiptap/core';
import { Fragment, Node } from '@tiptap/pm/model';
import type { EditorState, Transaction } from '@tiptap/pm/state';

import { newBlockId } from '../schema';
import { merge } from './merge';
import { type Author, idOf, newStamp } from './model';
import { replaceDoc, SUGGESTED } from './rewrite';

/** What somebody would change about the blocks of a brief, each found by its id. */
export type BlockChange =
  | { kind: 'change'; id: string; content: JSONContent }
  /** Behind the block `after`, or at the very beginning where that is null. */
  | { kind: 'insert'; after: string | null; content: JSONContent }
  | { kind: 'delete'; id: string };

/**
 * Puts whole blocks in as suggestions, whatever the mode is: changed ones beside what stands there,
 * new ones behind the block they followed. A block that is gone is suggested anew, at the end.
 */
export function suggestBlocks(
  state: EditorState,
  changes: readonly BlockChange[],
  author: Author,
): Transaction {
  let doc = state.doc;
  for (const change of changes) doc = applied(doc, change);
  const { tr } = state;
  replaceDoc(tr, merge(state.doc, doc, newStamp(author)).doc);
  return tr.setMeta(SUGGESTED, author);
}

function applied(doc: Node, change: BlockChange): Node {
  if (change.kind === 'delete') return edited(doc, change.id, () => []) ?? doc;
  const read = Node.fromJSON(doc.type.schema, change.content);
  read.check();
  if (change.kind === 'change') {
    const node = withId(read, change.id);
    return edited(doc, change.id, () => [node]) ?? appended(doc, node);
  }
  const node = idOf(read) === null ? withId(read, newBlockId()) : read;
  if (change.after === null) return doc.copy(Fragment.from(node).append(doc.content));
  return edited(doc, change.after, (block) => [block, node]) ?? appended(doc, node);
}

function appended(doc: Node, node: Node): Node {
  return doc.copy(doc.content.addToEnd(node));
}

function withId(node: Node, id: string): Node {
  return node.type.create({ ...node.attrs, id }, node.content, node.marks);
}

/** The node with one block inside it replaced; null if it is not there or would not fit. */
function edited(node: Node, id: string, replace: (block: Node) => readonly Node[]): Node | null {
  if (node.isTextblock) return null;
  for (let n = 0; n < node.childCount; n += 1) {
    const child = node.child(n);
    const inside = idOf(child) === id ? null : edited(child, id, replace);
    if (!inside && idOf(child) !== id) continue;
    const nodes = Array.from({ length: node.childCount }, (_, at) => node.child(at));
    nodes.splice(n, 1, ...(inside ? [inside] : replace(child)));
    const content = Fragment.fromArray(nodes);
    // A container must not be emptied; here that is only a passing state, for the merge to read.
    return node.type.validContent(content) || content.size === 0 ? node.copy(content) : null;
  }
  return null;
}
