import { type Editor, Extension } from '@tiptap/core';
import { isChangeOrigin } from '@tiptap/extension-collaboration';
import { Fragment, type Node, Slice } from '@tiptap/pm/model';
import {
  type EditorState,
  Plugin,
  PluginKey,
  TextSelection,
  type Transaction,
} from '@tiptap/pm/state';
import { Decoration, DecorationSet } from '@tiptap/pm/view';
import { ySyncPluginKey, yUndoPluginKey } from '@tiptap/y-tiptap';
import type * as Y from 'yjs';

import { type Decision, writeOnce } from '../once';
import {
  type Author,
  colorOf,
  DECIDED,
  decideStep,
  rewrite,
  type Selection,
  SUGGESTED,
  type Suggestion,
  suggestionAt,
  suggestionsIn,
  type Verdict,
  WRITES_ANEW,
} from '../suggestions';
import { deletionOf, fragmentOf, plain, tokensOf } from '../suggestions/inline';
import { isSuggestionMark, NODE_KINDS, type NodeKind, nodeStamp } from '../suggestions/model';
import { skipDeleted } from '../suggestions/skip';

export interface SuggestOptions {
  /** Who writes here; asked for each suggestion, as names change. */
  author: () => Author;
  /** What is said aloud of a decision or of where the caret went. */
  say: (message: string) => void;
}

declare module '@tiptap/core' {
  interface Commands<ReturnType> {
    suggest: {
      /** From now on what this person writes is a suggestion, or is text again. */
      setSuggesting: (on: boolean) => ReturnType;
    };
  }
}

interface SuggestState {
  on: boolean;
  all: readonly Suggestion[];
  /** The one the caret was put into, which the keys decide on. */
  current: string | null;
  drawn: DecorationSet;
}

const key = new PluginKey<SuggestState>('suggest');
const CURRENT = 'currentSuggestion';
/** Set on a transaction, has it suggested by another author, whatever the mode. */
export const SUGGEST_AS = 'suggestAs';

const NONE: SuggestState = { on: false, all: [], current: null, drawn: DecorationSet.empty };

export function suggestState(state: EditorState): Omit<SuggestState, 'drawn'> {
  return key.getState(state) ?? NONE;
}

const SAYS: Record<NodeKind, string> = {
  inserted: 'suggests to add this',
  deleted: 'suggests to delete this',
  split: 'suggests to begin a new block here',
  joined: 'suggests to join this with the block above',
  changed: 'suggests to change this',
};

/** The sign that a block begins, or ends, by a suggestion. */
function pilcrow(node: Node, pos: number, kind: NodeKind, color: string | null): Decoration {
  const inside = node.isTextblock ? pos + 1 : pos + 2;
  const sign = () => {
    const dom = document.createElement('span');
    dom.className = `suggested-sign is-${kind}`;
    dom.setAttribute('aria-hidden', 'true');
    dom.textContent = '¶';
    if (color) dom.style.setProperty('--suggested', color);
    return dom;
  };
  return Decoration.widget(inside, sign, {
    side: -1,
    ignoreSelection: true,
    key: `${kind}${color}`,
  });
}

function draw(doc: Node, all: readonly Suggestion[], current: string | null): DecorationSet {
  const found: Decoration[] = [];
  const seen = new Set<Node>();
  for (const { id, pieces } of all)
    for (const { from, to, node } of pieces) {
      const chosen = id === current;
      if (node.isText) {
        if (chosen) found.push(Decoration.inline(from, to, { class: 'suggestion-current' }));
        continue;
      }
      if (seen.has(node) && !chosen) continue;
      seen.add(node);
      const stamps = NODE_KINDS.flatMap((kind) => {
        const stamp = nodeStamp(node, kind);
        return stamp ? [{ kind, stamp }] : [];
      });
      const color = stamps.map(({ stamp }) => colorOf(stamp)).find(Boolean);
      const words = stamps.map(({ kind, stamp }) => `${stamp.name} ${SAYS[kind]}`).join(', ');
      const [turn] = stamps.filter(({ kind }) => kind === 'split' || kind === 'joined');
      if (turn) found.push(pilcrow(node, from, turn.kind, color ?? null));
      found.push(
        Decoration.node(from, to, {
          class: [
            'suggested-block',
            ...stamps.map(({ kind }) => `suggested-${kind}`),
            chosen ? 'suggestion-current' : '',
          ].join(' '),
          'data-suggested': id,
          'aria-description': words,
          title: words,
          ...(color ? { style: `--suggested: ${color}` } : {}),
        }),
      );
    }
  return DecorationSet.create(doc, found);
}

function undoOf(state: EditorState): Y.UndoManager | undefined {
  const held = yUndoPluginKey.getState(state) as { undoManager: Y.UndoManager } | undefined;
  return held?.undoManager;
}

interface Binding {
  doc: Y.Doc;
  binding: {
    mux: (write: () => void) => void;
    _prosemirrorChanged: (doc: Node) => void;
  };
}

/**
 * Writes a change into the shared document step by step. Of two blocks that become one it could see
 * the wrong one gone otherwise, and two people who decide alike might then remove both.
 */
function writeAnew(state: EditorState, tr: Transaction): void {
  const decision = tr.getMeta(WRITES_ANEW) as Decision | undefined;
  if (!decision) return;
  const { doc, binding } = ySyncPluginKey.getState(state) as Binding;
  // As when it writes itself: what it hears of then is no change by others.
  binding.mux(() =>
    writeOnce(doc, decision, ySyncPluginKey, () => {
      for (const step of [...tr.docs.slice(1), tr.doc]) binding._prosemirrorChanged(step);
    }),
  );
}

/** Settles suggestions in the open editor, undone as one change; how many there were. */
export function decideIn(editor: Editor, verdict: Verdict, which: Selection): number {
  if (!editor.isEditable) return 0;
  const undo = undoOf(editor.state);
  undo?.stopCapturing();
  const ids = new Set<string>();
  for (;;) {
    const tr = decideStep(editor.state, verdict, which);
    if (!tr) break;
    for (const id of (tr.getMeta(DECIDED) as { ids: string[] }).ids) ids.add(id);
    const { doc } = editor.state;
    writeAnew(editor.state, tr);
    editor.view.dispatch(tr);
    // Something in between may keep the transaction for itself.
    if (editor.state.doc === doc) break;
  }
  undo?.stopCapturing();
  return ids.size;
}

/** Goes to the next suggestion (or the one before) and chooses it. Null if there is none. */
export function goToSuggestion(editor: Editor, step: 1 | -1): Suggestion | null {
  const { all, current } = suggestState(editor.state);
  const { head } = editor.state.selection;
  const at = all.findIndex(({ id }) => id === current);
  const start = (one: Suggestion) => one.pieces[0]?.from ?? 0;
  const beyond =
    step > 0
      ? all.findIndex((one) => start(one) >= head)
      : all.findLastIndex((one) => start(one) < head);
  const next = at >= 0 ? at + step : beyond;
  const chosen = all[(next + all.length) % all.length] ?? all[0];
  if (chosen) chooseSuggestion(editor, chosen.id);
  return chosen ?? null;
}

/** Puts the caret at a suggestion and chooses it. */
export function chooseSuggestion(editor: Editor, id: string): void {
  const piece = suggestState(editor.state).all.find((one) => one.id === id)?.pieces[0];
  if (!piece) return;
  const { doc, tr } = editor.state;
  const place = piece.node.isInline ? piece.from : piece.from + 1;
  tr.setSelection(TextSelection.near(doc.resolve(Math.min(place, doc.content.size))));
  editor.view.dispatch(tr.setMeta(CURRENT, id).setMeta('addToHistory', false));
  const { node } = editor.view.domAtPos(editor.state.selection.head);
  const element = node instanceof Element ? node : node.parentElement;
  if (typeof element?.scrollIntoView === 'function') element.scrollIntoView({ block: 'nearest' });
}

/** What is pasted is text: without others' proposals, and without what they struck out. */
function agreedSlice(slice: Slice): Slice {
  const clean = (fragment: Fragment): Fragment => {
    const nodes: Node[] = [];
    fragment.forEach((node) => {
      if (node.isText || node.isInline) {
        nodes.push(node);
        return;
      }
      const attrs: Record<string, unknown> = { ...node.attrs };
      for (const kind of NODE_KINDS) if (kind in attrs) attrs[kind] = null;
      nodes.push(node.type.create(attrs, clean(node.content), node.marks));
    });
    const [first] = nodes;
    if (!first?.isInline) return Fragment.fromArray(nodes);
    const holder = first.type.schema.nodes.paragraph?.create(null, nodes);
    if (!holder) return fragment;
    const tokens = tokensOf(holder).filter((token) => !deletionOf(token));
    return fragmentOf(tokens.map(plain), first.type.schema);
  };
  return new Slice(clean(slice.content), slice.openStart, slice.openEnd);
}

/**
 * Suggest mode: what a person writes becomes a suggestion, and others accept or reject it. Changes
 * that come from others, an undo and decisions are what they are.
 */
export const suggest = Extension.create<SuggestOptions>({
  name: 'suggest',
  // Its keys come before those that delete.
  priority: 5000,

  addOptions() {
    return {
      author: () => ({ id: 'nobody', name: 'Somebody', kind: 'person' }),
      say: () => undefined,
    };
  },

  addCommands() {
    return {
      setSuggesting:
        (on) =>
        ({ tr, state }) => {
          // What was written in one mode is not undone with what is written in the other.
          if (on !== suggestState(state).on) undoOf(state)?.stopCapturing();
          tr.setMeta(key, on).setMeta('addToHistory', false);
          return true;
        },
    };
  },

  dispatchTransaction({ transaction, next }) {
    const { state } = this.editor;
    const as = transaction.getMeta(SUGGEST_AS) as Author | undefined;
    const own =
      transaction.docChanged &&
      !isChangeOrigin(transaction) &&
      !transaction.getMeta(DECIDED) &&
      !transaction.getMeta(SUGGESTED);
    if (!own || !(as || suggestState(state).on)) next(transaction);
    else next(rewrite(state, transaction, as ?? this.options.author()));
  },

  addKeyboardShortcuts() {
    const decideHere = (verdict: Verdict) => () => {
      const { all, current } = suggestState(this.editor.state);
      const chosen = all.find(({ id }) => id === current);
      if (!chosen || decideIn(this.editor, verdict, { id: chosen.id }) === 0) return false;
      const left = suggestState(this.editor.state).all.length;
      this.options.say(
        `${verdict === 'accept' ? 'Accepted' : 'Rejected'}: ${chosen.summary}. ` +
          (left === 1 ? '1 suggestion left.' : `${left} suggestions left.`),
      );
      return true;
    };
    return {
      'Alt-Enter': decideHere('accept'),
      'Alt-Backspace': decideHere('reject'),
    };
  },

  addProseMirrorPlugins() {
    const { options } = this;
    return [
      new Plugin<SuggestState>({
        key,
        state: {
          init: (_, { doc }) => {
            const all = suggestionsIn(doc);
            return { ...NONE, all, drawn: draw(doc, all, null) };
          },
          apply(tr, old, _, state) {
            const told = tr.getMeta(key) as boolean | undefined;
            const chosen = tr.getMeta(CURRENT) as string | null | undefined;
            const on = told ?? old.on;
            const all = tr.docChanged ? suggestionsIn(tr.doc) : old.all;
            let current = old.current;
            if (chosen !== undefined) current = chosen;
            // Who writes on has the keys for writing; who moves the caret into one has chosen it.
            else if (tr.docChanged)
              current =
                isChangeOrigin(tr) && all.some(({ id }) => id === old.current) ? old.current : null;
            else if (tr.selectionSet) current = suggestionAt(state, all)?.id ?? null;
            const drawn =
              tr.docChanged || current !== old.current ? draw(tr.doc, all, current) : old.drawn;
            return { on, all, current, drawn };
          },
        },
        props: {
          decorations: (state) => key.getState(state)?.drawn,
          handleKeyDown(view, event) {
            const direction = { Backspace: -1, Delete: 1 }[event.key] as 1 | -1 | undefined;
            if (!direction || event.altKey || !suggestState(view.state).on) return false;
            const { tr, done } = skipDeleted(view.state, direction, options.author());
            if (tr) view.dispatch(tr.docChanged ? tr.setMeta(SUGGESTED, options.author()) : tr);
            return done;
          },
          // Words written inside those of a suggestion are not part of it.
          handleTextInput(view, from, to, text) {
            const { state } = view;
            if (suggestState(state).on) return false;
            const marks = state.storedMarks ?? state.doc.resolve(from).marks();
            if (!marks.some(isSuggestionMark)) return false;
            const words = state.schema.text(
              text,
              marks.filter((mark) => !isSuggestionMark(mark)),
            );
            view.dispatch(state.tr.replaceWith(from, to, words).scrollIntoView());
            return true;
          },
          transformPasted: (slice, view) => (view.dragging?.move ? slice : agreedSlice(slice)),
        },
      }),
    ];
  },
});
