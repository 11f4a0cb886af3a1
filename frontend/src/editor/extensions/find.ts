import { Extension } from '@tiptap/core';
import type { Node } from '@tiptap/pm/model';
import { Plugin, PluginKey, TextSelection, type EditorState } from '@tiptap/pm/state';
import { Decoration, DecorationSet } from '@tiptap/pm/view';
import { yUndoPluginKey } from '@tiptap/y-tiptap';
import type * as Y from 'yjs';

declare module '@tiptap/core' {
  interface Commands<ReturnType> {
    find: {
      /** Marks every place with these words; an empty text ends the search. */
      setFind: (text: string) => ReturnType;
      /** Goes to the next (1) or previous (-1) place. */
      stepFind: (step: 1 | -1) => ReturnType;
      replaceFound: (by: string) => ReturnType;
      replaceAllFound: (by: string) => ReturnType;
    };
  }
}

interface Place {
  from: number;
  to: number;
}

interface FindState {
  text: string;
  places: readonly Place[];
  /** Which place is the current one; -1 before the first step. */
  current: number;
  marks: DecorationSet;
}

const key = new PluginKey<FindState>('find');

/** How many places there are, and which of them is current, from one; 0 for none. */
export function findCount(state: EditorState): { places: number; current: number } {
  const found = key.getState(state);
  return { places: found?.places.length ?? 0, current: (found?.current ?? -1) + 1 };
}

/** Letters are compared without case; a citation stands between words and matches nothing. */
export function placesOf(doc: Node, text: string): Place[] {
  const wanted = text.toLowerCase();
  const places: Place[] = [];
  if (!wanted) return places;
  doc.descendants((node, pos) => {
    if (!node.isTextblock) return true;
    const words = node.textBetween(0, node.content.size, undefined, '\ufffc');
    const lower = words.toLowerCase();
    // A few letters change their length when lowered; then positions would not be right.
    const hay = lower.length === words.length ? lower : words;
    for (let at = hay.indexOf(wanted); at >= 0; at = hay.indexOf(wanted, at + wanted.length))
      places.push({ from: pos + 1 + at, to: pos + 1 + at + wanted.length });
    return false;
  });
  return places;
}

function build(doc: Node, text: string, current: number): FindState {
  const places = placesOf(doc, text);
  const bounded = Math.min(current, places.length - 1);
  const marks = places.map(({ from, to }, n) =>
    Decoration.inline(from, to, { class: n === bounded ? 'found found-current' : 'found' }),
  );
  return { text, places, current: bounded, marks: DecorationSet.create(doc, marks) };
}

/** What is replaced is taken back by one undo, without the words that were typed just before. */
function ownStep(state: EditorState): void {
  const history = yUndoPluginKey.getState(state) as { undoManager: Y.UndoManager } | undefined;
  history?.undoManager.stopCapturing();
}

/** Find and replace in the brief. */
export const find = Extension.create({
  name: 'find',

  addCommands() {
    return {
      setFind:
        (text) =>
        ({ tr, state }) => {
          const places = placesOf(state.doc, text);
          const from = state.selection.from;
          const next = places.findIndex((place) => place.from >= from);
          tr.setMeta(key, { text, current: places.length === 0 ? -1 : Math.max(0, next) });
          return true;
        },
      stepFind:
        (step) =>
        ({ tr, state }) => {
          const found = key.getState(state);
          if (!found || found.places.length === 0) return false;
          const count = found.places.length;
          const current = (Math.max(found.current, step < 0 ? 0 : -1) + step + count) % count;
          const place = found.places[current];
          if (place) tr.setSelection(TextSelection.create(tr.doc, place.from, place.to));
          tr.setMeta(key, { text: found.text, current }).scrollIntoView();
          return true;
        },
      replaceFound:
        (by) =>
        ({ tr, state }) => {
          const found = key.getState(state);
          const place = found?.places[found.current];
          if (!found || !place) return false;
          ownStep(state);
          tr.insertText(by, place.from, place.to);
          tr.setMeta(key, { text: found.text, current: found.current });
          return true;
        },
      replaceAllFound:
        (by) =>
        ({ tr, state }) => {
          const found = key.getState(state);
          if (!found || found.places.length === 0) return false;
          ownStep(state);
          for (const { from, to } of [...found.places].reverse()) tr.insertText(by, from, to);
          return true;
        },
    };
  },

  addProseMirrorPlugins() {
    return [
      new Plugin<FindState>({
        key,
        state: {
          init: (_, { doc }) => build(doc, '', -1),
          apply(tr, old) {
            const told = tr.getMeta(key) as { text: string; current: number } | undefined;
            if (told) return build(tr.doc, told.text, told.current);
            if (!tr.docChanged || !old.text) return old;
            return build(tr.doc, old.text, old.current);
          },
        },
        props: { decorations: (state) => key.getState(state)?.marks },
      }),
    ];
  },
});
