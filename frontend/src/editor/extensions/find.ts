import { Extension } from '@tiptap/core';
import type { Node } from '@tiptap/pm/model';
import { Plugin, PluginKey, TextSelection, type EditorState } from '@tiptap/pm/state';
import { Decoration, DecorationSet } from '@tiptap/pm/view';
import { yUndoPluginKey } from '@tiptap/y-tiptap';
import type * as Y from 'yjs';

import { markOf, nodeStamp } from '../suggestions/model';

/** What is looked for, and how. */
export interface Wanted {
  text: string;
  /** Capitals and small letters are told apart. */
  matchCase: boolean;
  wholeWord: boolean;
  /** The text is a regular expression. */
  pattern: boolean;
}

export const NOTHING: Wanted = { text: '', matchCase: false, wholeWord: false, pattern: false };

declare module '@tiptap/core' {
  interface Commands<ReturnType> {
    find: {
      /** Marks every place with these words; an empty text ends the search. */
      setFind: (wanted: Wanted) => ReturnType;
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
  /** What was found there, then what its groups hold. */
  groups: readonly string[];
}

interface FindState {
  wanted: Wanted;
  places: readonly Place[];
  /** Which place is the current one; -1 before the first step. */
  current: number;
  marks: DecorationSet;
}

const key = new PluginKey<FindState>('find');

/** Places that are marked and counted; a letter that is everywhere must not stop the page. */
export const MOST_PLACES = 10_000;

/** How many places there are, and which of them is current, from one; 0 for none. */
export function findCount(state: EditorState): { places: number; current: number } {
  const found = key.getState(state);
  return { places: found?.places.length ?? 0, current: (found?.current ?? -1) + 1 };
}

/** What is wrong with a pattern; null where it can be looked for. */
export function patternProblem({ text, pattern }: Wanted): string | null {
  if (!pattern) return null;
  try {
    new RegExp(text, 'u');
    return null;
  } catch {
    return 'This pattern is not complete';
  }
}

function expression(wanted: Wanted): RegExp | null {
  if (!wanted.text || patternProblem(wanted) !== null) return null;
  let source = wanted.pattern ? wanted.text : wanted.text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  if (wanted.wholeWord) source = `(?<![\\p{L}\\p{N}_])(?:${source})(?![\\p{L}\\p{N}_])`;
  return new RegExp(source, wanted.matchCase ? 'gu' : 'giu');
}

/** A block's words; what is no word, or is struck out by a suggestion, stands between them. */
function wordsOf(block: Node): string {
  let words = '';
  block.forEach((child) => {
    words +=
      child.isText && !markOf(child.marks, 'deletion')
        ? (child.text ?? '')
        : '\ufffc'.repeat(child.nodeSize);
  });
  return words;
}

/**
 * Where it stands. A citation stands between words: it matches nothing, and no match crosses it. Nor
 * is found what a suggestion struck out: replaced in suggest mode it would be found again.
 */
export function placesOf(doc: Node, wanted: Wanted): Place[] {
  const sought = expression(wanted);
  const places: Place[] = [];
  if (!sought) return places;
  doc.descendants((node, pos) => {
    if (nodeStamp(node, 'deleted')) return false;
    if (!node.isTextblock) return places.length < MOST_PLACES;
    const words = wordsOf(node);
    let from = pos + 1;
    for (const part of words.split('\ufffc')) {
      for (const match of part.matchAll(sought)) {
        const [all] = match;
        if (!all || places.length >= MOST_PLACES) continue;
        const start = from + match.index;
        places.push({ from: start, to: start + all.length, groups: [...match] });
      }
      from += part.length + 1;
    }
    return false;
  });
  return places;
}

function build(doc: Node, wanted: Wanted, current: number): FindState {
  const places = placesOf(doc, wanted);
  const bounded = Math.min(current, places.length - 1);
  const marks = places.map(({ from, to }, n) =>
    Decoration.inline(from, to, { class: n === bounded ? 'found found-current' : 'found' }),
  );
  return { wanted, places, current: bounded, marks: DecorationSet.create(doc, marks) };
}

/** In a pattern's replacement, $1 is what its first group holds, and $& all that was found. */
function replacement(by: string, { groups }: Place, { pattern }: Wanted): string {
  if (!pattern) return by;
  return by.replace(/\$(\$|&|\d)/g, (_, sign: string) =>
    sign === '$' ? '$' : (groups[sign === '&' ? 0 : Number(sign)] ?? ''),
  );
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
        (wanted) =>
        ({ tr, state }) => {
          const places = placesOf(state.doc, wanted);
          const from = state.selection.from;
          const next = places.findIndex((place) => place.from >= from);
          tr.setMeta(key, { wanted, current: places.length === 0 ? -1 : Math.max(0, next) });
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
          tr.setMeta(key, { wanted: found.wanted, current }).scrollIntoView();
          return true;
        },
      replaceFound:
        (by) =>
        ({ tr, state }) => {
          const found = key.getState(state);
          const place = found?.places[found.current];
          if (!found || !place) return false;
          ownStep(state);
          tr.insertText(replacement(by, place, found.wanted), place.from, place.to);
          // The next one, also when what was put in is found again.
          const next = placesOf(tr.doc, found.wanted).findIndex(
            ({ from }) => from >= tr.mapping.map(place.to),
          );
          tr.setMeta(key, { wanted: found.wanted, current: Math.max(0, next) });
          return true;
        },
      replaceAllFound:
        (by) =>
        ({ tr, state }) => {
          const found = key.getState(state);
          if (!found || found.places.length === 0) return false;
          ownStep(state);
          for (const place of [...found.places].reverse())
            tr.insertText(replacement(by, place, found.wanted), place.from, place.to);
          return true;
        },
    };
  },

  addProseMirrorPlugins() {
    return [
      new Plugin<FindState>({
        key,
        state: {
          init: (_, { doc }) => build(doc, NOTHING, -1),
          apply(tr, old) {
            const told = tr.getMeta(key) as { wanted: Wanted; current: number } | undefined;
            if (told) return build(tr.doc, told.wanted, told.current);
            if (!tr.docChanged || !old.wanted.text) return old;
            return build(tr.doc, old.wanted, old.current);
          },
        },
        props: { decorations: (state) => key.getState(state)?.marks },
      }),
    ];
  },
});
