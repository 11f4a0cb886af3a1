import { Extension } from '@tiptap/core';
import type { Node } from '@tiptap/pm/model';
import { Plugin, PluginKey, type Transaction } from '@tiptap/pm/state';
import { Mapping } from '@tiptap/pm/transform';
import { isChangeOrigin } from '@tiptap/extension-collaboration';

import { BLOCKS, newBlockId } from '../schema';

interface Placed {
  node: Node;
  pos: number;
}

function blocks(doc: Node): Placed[] {
  const found: Placed[] = [];
  doc.descendants((node, pos) => {
    if (node.type.spec.attrs && 'id' in node.type.spec.attrs) found.push({ node, pos });
    return !node.isTextblock;
  });
  return found;
}

function idOf(node: Node): string | null {
  return node.attrs.id as string | null;
}

function weight(node: Node): number {
  return node.textBetween(0, node.content.size, '', '·').length;
}

/**
 * Which of several blocks with one id is the one that had it before. It is the block standing where
 * the old one was, except that after Return at the start of a block the words have moved on and the
 * id goes with them.
 */
function original(same: Placed[], before: Node, mapping: Mapping): Placed | undefined {
  const id = same[0] && idOf(same[0].node);
  const old = blocks(before).find(({ node }) => idOf(node) === id);
  if (!old) return same[0];
  const pos = mapping.map(old.pos, 1);
  const standing = same.find((one) => one.pos === pos) ?? same[0];
  if (standing && weight(standing.node) === 0 && weight(old.node) > 0)
    return same.find((one) => weight(one.node) > 0) ?? standing;
  return standing;
}

/**
 * Gives every block an id that stays with it. Splitting and pasting copy ids, so duplicates are
 * renumbered: in the client that made them, in the same transaction, and nowhere else.
 */
export const blockId = Extension.create({
  name: 'blockId',
  priority: 10_000,

  addGlobalAttributes() {
    return [
      {
        types: [...BLOCKS],
        attributes: {
          id: {
            default: null,
            parseHTML: (element) => element.getAttribute('data-id'),
            renderHTML: ({ id }) => (typeof id === 'string' ? { 'data-id': id } : {}),
          },
        },
      },
    ];
  },

  addProseMirrorPlugins() {
    return [
      new Plugin({
        key: new PluginKey('blockId'),
        appendTransaction(transactions, before, after) {
          const local = transactions.filter((tr) => tr.docChanged && !isChangeOrigin(tr));
          if (local.length === 0 || before.doc.eq(after.doc)) return null;

          const byId = new Map<string, Placed[]>();
          const renumber: Placed[] = [];
          for (const block of blocks(after.doc)) {
            const id = idOf(block.node);
            if (id === null) renumber.push(block);
            else byId.set(id, [...(byId.get(id) ?? []), block]);
          }
          for (const same of byId.values()) {
            if (same.length === 1) continue;
            const keeps = original(same, before.doc, mappingOf(transactions));
            renumber.push(...same.filter((one) => one !== keeps));
          }
          if (renumber.length === 0) return null;

          const tr = after.tr;
          for (const { pos } of renumber) tr.setNodeAttribute(pos, 'id', newBlockId());
          return tr.setStoredMarks(after.storedMarks);
        },
      }),
    ];
  },
});

function mappingOf(transactions: readonly Transaction[]): Mapping {
  const mapping = new Mapping();
  for (const tr of transactions) mapping.appendMapping(tr.mapping);
  return mapping;
}
