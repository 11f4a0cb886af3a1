import { isChangeOrigin } from '@tiptap/extension-collaboration';
import { Extension } from '@tiptap/core';
import type { Node, ResolvedPos } from '@tiptap/pm/model';
import { type EditorState, Plugin, PluginKey, TextSelection } from '@tiptap/pm/state';
import { ySyncPluginKey, yUndoPluginKey } from '@tiptap/y-tiptap';
import type * as Y from 'yjs';

/** What the binding of the shared document keeps to put the caret back after a change. */
interface Sync {
  doc: Y.Doc;
  binding?: { beforeTransactionSelection: { absAnchor?: number; absHead?: number } | null };
}

function syncOf(state: EditorState): Sync {
  return ySyncPluginKey.getState(state) as Sync;
}

function blockOf(doc: Node, id: string): { node: Node; pos: number } | null {
  let found: { node: Node; pos: number } | null = null;
  doc.descendants((node, pos) => {
    if (node.attrs.id === id && node.isTextblock) found ??= { node, pos };
    return found === null && !node.isTextblock;
  });
  return found;
}

/**
 * Where the caret belongs when its block was moved or became another kind of block, which to the
 * shared document is a new block: at the same letter of the block with its id.
 */
function followed($old: ResolvedPos, $now: ResolvedPos, before: Node, doc: Node): number | null {
  const id: unknown = $old.parent.attrs.id;
  if (typeof id !== 'string' || !$old.parent.isTextblock) return null;
  const here: unknown = $now.parent.attrs.id;
  const same = $now.parent.type === $old.parent.type;
  if (here === id && same && !$now.parent.content.eq($old.parent.content)) return null;
  // Its block has a new id: not the caret went elsewhere.
  if (here !== id && typeof here === 'string' && !blockOf(before, here)) return null;
  const block = blockOf(doc, id);
  return block && block.pos + 1 + Math.min($old.parentOffset, block.node.content.size);
}

/**
 * Keeps the caret at its letter while others write. The binding itself compares texts to guess where
 * the caret was: a letter that another person types before it in the same paragraph would move it.
 */
export const caret = Extension.create({
  name: 'caret',

  addProseMirrorPlugins() {
    return [
      new Plugin({
        key: new PluginKey('caret'),
        view(view) {
          const { undoManager } = yUndoPluginKey.getState(view.state) as {
            undoManager: Y.UndoManager;
          };
          const { doc } = syncOf(view.state);
          // Both are told after the binding is, whose plugins come first.
          const trust = () => {
            const kept = syncOf(view.state).binding?.beforeTransactionSelection;
            // Without the offsets it goes by the letters alone.
            if (!kept) return;
            delete kept.absAnchor;
            delete kept.absHead;
          };
          // After an undo the binding keeps a caret of long ago for the next change to restore.
          const forget = () => {
            const { binding } = syncOf(view.state);
            if (binding) binding.beforeTransactionSelection = null;
          };
          doc.on('beforeAllTransactions', trust);
          undoManager.on('stack-item-popped', forget);
          return {
            destroy() {
              doc.off('beforeAllTransactions', trust);
              undoManager.off('stack-item-popped', forget);
            },
          };
        },
        appendTransaction(transactions, before, after) {
          if (!transactions.some((tr) => tr.docChanged && isChangeOrigin(tr))) return null;
          const { selection: old } = before;
          const { selection: now } = after;
          if (!(old instanceof TextSelection) || !(now instanceof TextSelection)) return null;
          const anchor = followed(old.$anchor, now.$anchor, before.doc, after.doc);
          const head = followed(old.$head, now.$head, before.doc, after.doc);
          if (anchor === null && head === null) return null;
          return after.tr.setSelection(
            TextSelection.between(
              after.doc.resolve(anchor ?? now.anchor),
              after.doc.resolve(head ?? now.head),
            ),
          );
        },
      }),
    ];
  },
});
