import type { Editor, JSONContent } from '@tiptap/core';
import type { Node } from '@tiptap/pm/model';
import { EditorState } from '@tiptap/pm/state';
import { yUndoPluginKey, yXmlFragmentToProseMirrorRootNode } from '@tiptap/y-tiptap';
import type * as Y from 'yjs';

import { FIELD, newBlockId } from '../schema';
import { acceptAll } from './decide';
import { type Author, idOf, nodeStamp, ownAttrs } from './model';
import { type BlockChange, suggestBlocks } from './offer';

/**
 * Puts the blocks of a copy that were touched since it was last saved into the open brief, as
 * suggestions; the same again changes nothing. Returns how many blocks it suggested something for.
 * All blocks where `touched` is null.
 */
export function suggestCopy(
  editor: Editor,
  copy: Y.Doc,
  touched: readonly string[] | null,
  author: Author,
): number {
  const raw = yXmlFragmentToProseMirrorRootNode(copy.getXmlFragment(FIELD), editor.schema);
  const held = yUndoPluginKey.getState(editor.state) as { undoManager: Y.UndoManager } | undefined;
  held?.undoManager.stopCapturing();
  let found = 0;
  // Formatting of words that a block was split off with takes a second look.
  for (let pass = 0; pass < 2; pass += 1) {
    const changes = changesOf(raw, editor.state.doc, touched, author);
    found = Math.max(found, changes.length);
    // One by one: the shared document takes what lies between two changes for changed as well.
    for (const change of changes)
      editor.view.dispatch(suggestBlocks(editor.state, [change], author));
  }
  held?.undoManager.stopCapturing();
  return found;
}

/** What has to be suggested in `server` so that, accepted, the touched blocks say what `raw` says. */
export function changesOf(
  raw: Node,
  server: Node,
  touched: readonly string[] | null,
  author: Author,
): BlockChange[] {
  const mine = blocksOf(accepted(raw));
  const theirs = blocksOf(accepted(server));
  const inServer = idsIn(server);
  const wanted = new Set(touched ?? [...mine.keys(), ...theirs.keys()]);
  for (const [id, before] of joins(raw)) if (wanted.has(id)) wanted.add(before);
  const offered = new Set(
    [...blocksOf(server).values()]
      .filter((node) => nodeStamp(node, 'inserted')?.author === author.id)
      .map(says),
  );

  const changes: BlockChange[] = [];
  let after: string | null = null;
  for (const [id, node] of mine) {
    const there = theirs.get(id);
    if (!wanted.has(id) || (there && says(there) === says(node))) {
      if (blocksOf(server).has(id)) after = id;
      continue;
    }
    const content = node.toJSON() as JSONContent;
    if (there) {
      changes.push({ kind: 'change', id, content });
      after = id;
    } else if (!offered.has(says(node))) {
      const fresh = inServer.has(id) ? newBlockId() : id;
      content.attrs = { ...content.attrs, id: fresh };
      changes.push({ kind: 'insert', after, content });
      after = fresh;
    }
  }
  for (const id of theirs.keys())
    if (wanted.has(id) && !mine.has(id)) changes.push({ kind: 'delete', id });
  return changes;
}

function accepted(doc: Node): Node {
  return acceptAll(EditorState.create({ doc })).doc;
}

function blocksOf(doc: Node): Map<string, Node> {
  const blocks = new Map<string, Node>();
  doc.forEach((node) => {
    const id = idOf(node);
    if (id !== null) blocks.set(id, node);
  });
  return blocks;
}

function idsIn(doc: Node): Set<string> {
  const ids = new Set<string>();
  doc.descendants((node) => {
    const id = idOf(node);
    if (id !== null) ids.add(id);
    return !node.isTextblock;
  });
  return ids;
}

/** Blocks that somebody would join to the one before, each with that one. */
function joins(doc: Node): [string, string][] {
  const found: [string, string][] = [];
  let before: string | null = null;
  doc.forEach((node) => {
    const id = idOf(node);
    if (id !== null && before !== null && nodeStamp(node, 'joined')) found.push([id, before]);
    else before = id;
  });
  return found;
}

/** What a block says, whatever it and its parts are called and whoever wrote it. */
function says(node: Node): string {
  const marks = node.marks.map(({ type, attrs }) => [type.name, attrs]);
  const parts: string[] = [];
  node.forEach((child) => parts.push(says(child)));
  return JSON.stringify([node.type.name, ownAttrs(node), node.text, marks, parts]);
}
