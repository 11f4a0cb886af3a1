import { type Editor, Extension } from '@tiptap/core';
import { isChangeOrigin } from '@tiptap/extension-collaboration';
import type { Node } from '@tiptap/pm/model';
import {
  type EditorState,
  Plugin,
  PluginKey,
  TextSelection,
  type Transaction,
} from '@tiptap/pm/state';
import { Decoration, DecorationSet, type EditorView } from '@tiptap/pm/view';
import { ySyncPluginKey } from '@tiptap/y-tiptap';

import { type Anchor, find, linesOf, type Range, Survey, type Words, wordsOf } from '../anchors';

/** A thread as the text shows it. */
export interface CommentMark {
  id: string;
  anchor: Anchor;
  /** Counts how often the anchor was set. */
  revision: number;
}

/** An anchor whose words were written anew; `own` where it was this page that did. */
export interface MovedAnchor {
  id: string;
  revision: number;
  anchor: Anchor;
  own: boolean;
}

declare module '@tiptap/core' {
  interface Commands<ReturnType> {
    comments: {
      /** Marks the words of these threads from now on, and those of one as chosen. */
      setComments: (marks: readonly CommentMark[], chosen: string | null) => ReturnType;
    };
  }
  interface EditorEvents {
    /** Commented words were clicked. */
    commentChosen: { id: string };
    /** Which threads have words, and in which order they stand, has changed. */
    commentsPlaced: { order: readonly string[] };
    commentsMoved: { moved: readonly MovedAnchor[] };
  }
}

interface Placed extends CommentMark {
  /** Null while no letter of the words is left. */
  range: Range | null;
  /** What the words were when they were last there. */
  words: Words;
}

interface CommentsState {
  placed: readonly Placed[];
  chosen: string | null;
  /** Whether the last change of the text was made on this page. */
  own: boolean;
  marks: DecorationSet;
}

interface Told {
  marks?: readonly CommentMark[];
  chosen?: string | null;
  /** Anchors made anew, by thread. */
  anew?: ReadonlyMap<string, Anchor>;
}

const key = new PluginKey<CommentsState>('comments');
const NONE: CommentsState = {
  placed: [],
  chosen: null,
  own: false,
  marks: DecorationSet.empty,
};

function inOrder(state: CommentsState): string[] {
  return state.placed
    .flatMap(({ id, range }) => (range ? [{ id, ...range }] : []))
    .sort((a, b) => a.from - b.from || a.to - b.to)
    .map(({ id }) => id);
}

/** The threads that have words, in reading order. */
export function commentOrder(state: EditorState): readonly string[] {
  return inOrder(key.getState(state) ?? NONE);
}

/** The words of a thread; null where they are gone. */
export function commentRange(state: EditorState, id: string): Range | null {
  return key.getState(state)?.placed.find((one) => one.id === id)?.range ?? null;
}

/** Where a thread's words are anchored by now; null where they are gone. */
export function commentAnchor(state: EditorState, id: string): Anchor | null {
  const range = commentRange(state, id);
  return range && new Survey(state).anchor(state.doc, range);
}

/** The thread a position lies in: the one with the fewest words where several do. */
export function commentAt(state: EditorState, pos: number): string | null {
  const here = (key.getState(state)?.placed ?? []).flatMap(({ id, range }) =>
    range && range.from <= pos && pos <= range.to ? [{ id, size: range.to - range.from }] : [],
  );
  return here.sort((a, b) => a.size - b.size)[0]?.id ?? null;
}

/** The anchor of what is selected; null where nothing is. */
export function selectedAnchor(state: EditorState): Anchor | null {
  const { from, to } = state.selection;
  const words = state.doc.textBetween(from, to, ' ', '\ufffc');
  return words.trim() ? new Survey(state).anchor(state.doc, { from, to }) : null;
}

function drawn(
  doc: Node,
  placed: readonly Placed[],
  chosen: string | null,
  own: boolean,
): CommentsState {
  const marks = placed.flatMap(({ id, range }) =>
    range
      ? Decoration.inline(range.from, range.to, {
          class: id === chosen ? 'commented commented-chosen' : 'commented',
          'data-comment': id,
        })
      : [],
  );
  return { placed, chosen, own, marks: DecorationSet.create(doc, marks) };
}

function madeHere(tr: Transaction): boolean {
  const sync = tr.getMeta(ySyncPluginKey) as { isUndoRedoOperation?: boolean } | undefined;
  return !isChangeOrigin(tr) || sync?.isUndoRedoOperation === true;
}

/** Letters that a transaction of this page put in. */
function inserted(tr: Transaction): number {
  let letters = 0;
  for (const map of tr.mapping.maps)
    map.forEach((_from, _to, from, to) => {
      letters += to - from;
    });
  return letters;
}

/**
 * Looks for words whose letters are gone. All blocks are read once for as many as there are, and
 * not at all where nothing that could be them was put in.
 */
function search(doc: Node, placed: readonly Placed[], letters = Infinity): Placed[] {
  let lines: ReturnType<typeof linesOf> | null = null;
  return placed.map((one) => {
    if (one.range || one.words.text.length > letters) return one;
    return { ...one, range: find((lines ??= linesOf(doc)), one.words) };
  });
}

/**
 * Where the letters of a range are after a change; null where none is left. What replaces a letter at
 * an end stays outside, as it does in the shared document; ProseMirror's own mapping takes it in.
 */
function mapped(tr: Transaction, { from, to }: Range): Range | null {
  for (const map of tr.mapping.maps) {
    let [next, last] = [map.map(from, 1), map.map(to, -1)];
    map.forEach((start, end, newStart, newEnd) => {
      if (start <= from && from < end) next = newEnd;
      if (start < to && to <= end) last = newStart;
    });
    [from, to] = [next, last];
  }
  return from < to ? { from, to } : null;
}

/** Whether ProseMirror would map all of these as they were. */
function mappedAlike(tr: Transaction, old: readonly Placed[], now: readonly Placed[]): boolean {
  return now.every(({ range }, n) => {
    const was = old[n]?.range ?? null;
    if (!was || !range) return was === range;
    const from = tr.mapping.map(was.from, 1);
    return range.from === from && range.to === tr.mapping.map(was.to, -1);
  });
}

function follow(tr: Transaction, before: Node, placed: readonly Placed[]): Placed[] {
  const moved = placed.map((one): Placed => {
    if (!one.range) return one;
    const range = mapped(tr, one.range);
    if (range) return { ...one, range };
    return { ...one, range: null, words: wordsOf(before, one.range) };
  });
  return search(tr.doc, moved, inserted(tr));
}

/** After a change from elsewhere all positions are new: the shared document knows them. */
function settle(
  state: EditorState,
  doc: Node,
  placed: readonly Placed[],
  before: Node | null,
): Placed[] {
  if (placed.length === 0) return [];
  const survey = new Survey(state);
  const resolved = placed.map((one): Placed => {
    const range = survey.resolve(one.anchor);
    if (range || !one.range || !before) return { ...one, range };
    return { ...one, range, words: wordsOf(before, one.range) };
  });
  return search(doc, resolved);
}

function changed(
  tr: Transaction,
  old: CommentsState,
  before: EditorState,
  after: EditorState,
): CommentsState {
  const told = tr.getMeta(key) as Told | undefined;
  let { placed } = old;
  if (tr.docChanged)
    placed = isChangeOrigin(tr)
      ? settle(after, tr.doc, placed, before.doc)
      : follow(tr, before.doc, placed);
  if (told?.marks) {
    const known = new Map(placed.map((one) => [one.id, one]));
    const fresh: Placed[] = [];
    placed = told.marks.map((mark) => {
      const one = known.get(mark.id);
      if (one && one.revision >= mark.revision) return one;
      const next = { ...mark, range: null, words: mark.anchor };
      fresh.push(next);
      return next;
    });
    const found = new Map(settle(after, tr.doc, fresh, null).map((one) => [one.id, one]));
    placed = placed.map((one) => found.get(one.id) ?? one);
  }
  if (told?.anew)
    placed = placed.map((one) => ({ ...one, anchor: told.anew?.get(one.id) ?? one.anchor }));
  const chosen = told?.chosen === undefined ? old.chosen : told.chosen;
  if (placed === old.placed && chosen === old.chosen) return old;
  const own = tr.docChanged ? madeHere(tr) : old.own;
  if (told || isChangeOrigin(tr) || !mappedAlike(tr, old.placed, placed))
    return drawn(tr.doc, placed, chosen, own);
  // Most of a long text keeps the very marks it has, and is not drawn again.
  return { placed, chosen, own, marks: old.marks.map(tr.mapping, tr.doc) };
}

/** Anchors that other pages would resolve to another place than where their words stand here. */
function strayed(state: EditorState): Map<string, Anchor> {
  const anew = new Map<string, Anchor>();
  const held = key.getState(state)?.placed.filter(({ range }) => range) ?? [];
  if (held.length === 0) return anew;
  const survey = new Survey(state);
  for (const { id, anchor, range } of held) {
    const there = survey.resolve(anchor, false);
    if (!range || (there?.from === range.from && there.to === range.to)) continue;
    const next = survey.anchor(state.doc, range);
    if (next && (next.start !== anchor.start || next.end !== anchor.end)) anew.set(id, next);
  }
  return anew;
}

/**
 * Marks commented words, in the page alone: the shared document and its exports know nothing of it.
 * Words follow their letters. Where letters are written anew (a split, a join, a move, an undo) this
 * page knows where they went, tells it, and anchors the thread to the new ones.
 */
export const comments = Extension.create({
  name: 'comments',

  addCommands() {
    return {
      setComments:
        (marks, chosen) =>
        ({ tr }) => {
          const told: Told = { marks, chosen };
          tr.setMeta(key, told).setMeta('addToHistory', false);
          return true;
        },
    };
  },

  addProseMirrorPlugins() {
    const { editor } = this;
    return [
      new Plugin<CommentsState>({
        key,
        state: {
          init: () => NONE,
          apply: (tr, old, before, after) =>
            tr.docChanged || tr.getMeta(key) ? changed(tr, old, before, after) : old,
        },
        props: {
          decorations: (state) => key.getState(state)?.marks,
          handleClick(view, pos, event) {
            const id = event.shiftKey ? null : commentAt(view.state, pos);
            if (!id) return false;
            // The browser tells of the moved caret later, when the chosen words are drawn anew and
            // the old one is back in its place.
            const { doc, tr } = view.state;
            view.dispatch(tr.setSelection(TextSelection.near(doc.resolve(pos))));
            editor.emit('commentChosen', { id });
            return false;
          },
        },
        view: () => watch(editor),
      }),
    ];
  },
});

function watch(editor: Editor) {
  let order: string | null = null;
  return {
    update(view: EditorView, before: EditorState) {
      const { state } = view;
      const now = key.getState(state) ?? NONE;
      if (now !== key.getState(before)) {
        const next = inOrder(now);
        if (next.join() !== order) {
          order = next.join();
          editor.emit('commentsPlaced', { order: next });
        }
      } else if (state.doc === before.doc) return;
      // By now the shared document has what was written here.
      const anew = strayed(state);
      if (anew.size === 0) return;
      view.dispatch(state.tr.setMeta(key, { anew } satisfies Told).setMeta('addToHistory', false));
      editor.emit('commentsMoved', {
        moved: now.placed.flatMap(({ id, revision }) => {
          const anchor = anew.get(id);
          return anchor ? [{ id, revision, anchor, own: now.own }] : [];
        }),
      });
    },
  };
}
