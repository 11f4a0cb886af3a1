import { Extension } from '@tiptap/core';
import { isChangeOrigin } from '@tiptap/extension-collaboration';
import type { Node } from '@tiptap/pm/model';
import { type EditorState, Plugin, PluginKey, type Transaction } from '@tiptap/pm/state';
import { canSplit, type StepMap } from '@tiptap/pm/transform';
import { ySyncPluginKey, yUndoPluginKey } from '@tiptap/y-tiptap';
import * as Y from 'yjs';

import {
  noteRewrite,
  observeRewrites,
  type Rewrite,
  type Run,
  SAME,
  settleRewrites,
} from '../rewrites';
import { type Mend, mendsOf, positionOf, stands, type Torn, tornBy, wonIn } from '../torn';
import { changeOf, renewCitations, runsOf } from '../written';
import { suggestState } from './suggest';

export interface RewritesOptions {
  body: Y.XmlFragment | null;
}

interface Binding {
  mapping: Map<unknown, Node | readonly Node[]>;
  _prosemirrorChanged: (doc: Node) => void;
}

/** What the editor's document went through since the shared one was last told. */
interface Untold {
  from: Node;
  maps: readonly StepMap[];
}

type Deletions = Parameters<typeof Y.iterateDeletedStructs>[1];

/** Breaks and citations that are remembered until others' changes are heard. */
const MOST_TORN = 100;

/** A step that can be undone. */
interface Step {
  insertions: Deletions;
}

const key = new PluginKey<Untold>('rewrites');

/** Where a letter is after these changes; null where they took it away. */
function follow(maps: readonly StepMap[], at: number): number | null {
  const letter = { at, isGone: false };
  for (const map of maps) {
    const was = letter.at;
    map.forEach((from, to, start, end) => {
      if (was >= to) letter.at += end - start - (to - from);
      else if (was >= from) letter.isGone = true;
    });
    if (letter.isGone) return null;
  }
  return letter.at;
}

function isLeafIn(state: EditorState): (name: string) => boolean {
  return (name) => state.schema.nodes[name]?.isLeaf === true;
}

/** What an undo or a redo put back, which are new letters to the shared document. */
function noteUndone(doc: Y.Doc, deletions: Deletions): void {
  doc.transact((transaction) => {
    const runs: Run[] = [];
    const own = doc.clientID;
    Y.iterateDeletedStructs(transaction, deletions, (struct) => {
      if (!(struct instanceof Y.Item) || struct.redone?.client !== own || !struct.countable) return;
      if (struct.parentSub !== null) return;
      const now: unknown = Y.getItem(doc.store, struct.redone);
      if (!(now instanceof Y.Item) || now.deleted) return;
      const isBlock =
        now.content instanceof Y.ContentType &&
        (!(now.content.type instanceof Y.XmlElement) || now.content.type.length > 0);
      if (isBlock) return;
      const { clock } = struct.redone;
      runs.push({ clock, length: struct.length, of: struct.id, went: SAME });
    });
    const start = Y.getState(doc.store, own);
    if (runs.length > 0) noteRewrite(doc, { client: own, start, runs });
  });
}

/** Puts a break or a citation where the words it was put before are now; null where it is already. */
function mended(
  state: EditorState,
  body: Y.XmlFragment,
  { torn: { kind, element }, before }: Mend,
): { tr: Transaction; moved: { from: number; to: number } | null } | null {
  const isLeaf = isLeafIn(state);
  const to = positionOf(body, before, isLeaf);
  if (suggestState(state).on || to === null) return null;
  const { doc, tr } = state;
  const $to = doc.resolve(to);
  if (!$to.parent.isTextblock) return null;
  if (kind === 'break') {
    const depth = $to.depth > 1 && $to.node(-1).type.name === 'listItem' ? 2 : 1;
    if ($to.parentOffset === 0 || !canSplit(doc, to, depth)) return null;
    return { tr: tr.split(to, depth), moved: null };
  }
  const from = element._item && positionOf(body, element._item.id, isLeaf);
  const node = from === null ? null : doc.nodeAt(from);
  if (from === null || node?.type.name !== 'citation' || from + 1 === to) return null;
  tr.delete(from, from + 1);
  const place = tr.mapping.map(to, -1);
  return { tr: tr.insert(place, node), moved: { from, to: place } };
}

/**
 * Leaves words once that several people wrote anew at the same moment. To the shared document, a
 * split, a join, a citation between words and another kind of block all delete letters and insert
 * them again; so each change notes, as part of it, which letters it wrote for which.
 */
export const rewrites = Extension.create<RewritesOptions>({
  name: 'rewrites',

  addOptions() {
    return { body: null };
  },

  addProseMirrorPlugins() {
    const { body } = this.options;
    const { editor } = this;
    const doc = body?.doc;
    if (!body || !doc) return [];
    let told: Node | null = null;
    let torn: readonly Torn[] = [];
    let mending: { times: number; moved: { from: number; to: number } | null } | null = null;
    return [
      new Plugin<Untold>({
        key,
        state: {
          init: (_, state) => ({ from: state.doc, maps: [] }),
          apply(tr, untold, before) {
            if (!tr.docChanged) return untold;
            if (isChangeOrigin(tr)) return { from: tr.doc, maps: [] };
            const maps = before.doc === told ? [] : untold.maps;
            const from = before.doc === told ? before.doc : untold.from;
            return { from, maps: [...maps, ...tr.mapping.maps] };
          },
        },
        view(view) {
          const { binding } = ySyncPluginKey.getState(view.state) as { binding: Binding };
          const { undoManager } = yUndoPluginKey.getState(view.state) as {
            undoManager: Y.UndoManager;
          };
          const write = binding._prosemirrorChanged;
          binding._prosemirrorChanged = (next) => {
            doc.transact((transaction) => {
              const start = Y.getState(doc.store, doc.clientID);
              write.call(binding, next);
              renewCitations(transaction, start, (old, by) => {
                const node = binding.mapping.get(old);
                binding.mapping.delete(old);
                if (node) binding.mapping.set(by, node);
              });
              const untold = key.getState(view.state);
              // A decision on suggestions tells its own parts, and notes them itself.
              const isWhole = next === view.state.doc && untold && untold.from !== next;
              told = next;
              const isRewrite =
                transaction.deleteSet.clients.size > 0 &&
                Y.getState(doc.store, doc.clientID) > start;
              if (!isWhole || !isRewrite) return;
              const change = changeOf(transaction, body, start, isLeafIn(view.state));
              const { sizeBefore, sizeAfter } = change;
              if (sizeBefore !== untold.from.content.size || sizeAfter !== next.content.size)
                return;
              const moved = mending?.moved;
              const runs = runsOf(change, (at) =>
                moved?.from === at ? moved.to : follow(untold.maps, at),
              );
              if (!runs) return;
              torn = [...torn, ...tornBy(doc, start, runs, mending?.times ?? 0)].slice(-MOST_TORN);
              noteRewrite(doc, { client: doc.clientID, start, runs });
            }, ySyncPluginKey);
          };
          let timer: ReturnType<typeof setTimeout> | undefined;
          const mendAll = () => {
            if (editor.isDestroyed || !editor.isEditable || view.composing) return;
            // One by one: each writes letters anew that the next may stand before.
            for (let n = 0; n < MOST_TORN; n += 1) {
              const { mends, waiting } = mendsOf(doc, torn);
              const [mend, ...others] = mends;
              torn = [...waiting, ...others.map((one) => one.torn)];
              const made = mend && mended(view.state, body, mend);
              if (!mend) return;
              if (!made) continue;
              mending = { times: mend.torn.times + 1, moved: made.moved };
              view.dispatch(made.tr);
              mending = null;
            }
          };
          // At once: the binding writes anew what it finds beside each other in two texts.
          const settle = (heard: readonly Rewrite[]) => {
            if (editor.isDestroyed || !editor.isEditable) return;
            settleRewrites(doc, body);
            // Others' words hang on these now: taken back, they would stand in another place. So an
            // undo goes back to here, and not on to what was written before.
            const won = wonIn(doc, heard);
            const isWon = (item: Step) =>
              won.some(({ client, clock }) =>
                Y.isDeleted(item.insertions, Y.createID(client, clock)),
              );
            if (won.length > 0) {
              const { undoStack, redoStack } = undoManager;
              undoStack.splice(0, undoStack.findLastIndex(isWon) + 1);
              if (redoStack.some(isWon)) redoStack.length = 0;
            }
            clearTimeout(timer);
            if (torn.length > 0) timer = setTimeout(mendAll, 0);
          };
          // Before it is drawn: the binding then puts texts of this page that stand beside each
          // other into one.
          const onUndone = ({ origin }: Y.Transaction) => {
            const step = origin === undoManager ? undoManager.currStackItem : null;
            if (!step) return;
            noteUndone(doc, step.deletions);
            torn = torn.filter(({ letter }) => stands(doc, letter));
            settle([]);
          };
          doc.on('beforeObserverCalls', onUndone);
          queueMicrotask(() => settle([]));
          const unobserve = observeRewrites(doc, settle);
          return {
            destroy() {
              clearTimeout(timer);
              binding._prosemirrorChanged = write;
              doc.off('beforeObserverCalls', onUndone);
              unobserve();
            },
          };
        },
      }),
    ];
  },
});
