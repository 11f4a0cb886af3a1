import type { Editor } from '@tiptap/core';
import { afterEach, expect, it } from 'vitest';
import * as Y from 'yjs';

import { acceptAll, rejectAll } from './suggestions';
import { openSuggesting } from './suggestions/testSuggest';
import { chance } from './testChance';
import { bodyOf, paragraph } from './testEditor';

const editors: Editor[] = [];
afterEach(() => editors.splice(0).forEach((editor) => editor.destroy()));

// Each is two units long in UTF-16, of which many have one in common.
const EMOJI = ['😀', '😁', '😂', '🤀', '🨀'];

/** Where each character of the first block begins, and where the last ends. */
function places(editor: Editor): number[] {
  const found: number[] = [];
  let at = 1;
  editor.state.doc.firstChild?.forEach((node) => {
    for (const character of node.text ?? '') {
      found.push(at);
      at += character.length;
    }
  });
  return [...found, at];
}

/* Yjs turns halves into U+FFFD, and where half a character is marked, it may not tell others. */
it.each([1, 2, 3, 4, 5, 6])(
  'parts no character, whatever is done to whole ones (seed %i)',
  (seed) => {
    const below = chance(seed);
    const [own, other] = [new Y.Doc(), new Y.Doc()];
    own.on('update', (update) => Y.applyUpdate(other, update));
    const editor = openSuggesting('Ada', own, false);
    editors.push(editor);
    editor.commands.setContent([paragraph('aaaaaaaaaa', 'a😀😁b😂😀c')]);
    for (let n = 0; n < 60; n += 1) {
      const at = places(editor);
      const first = below(at.length);
      const last = Math.min(at.length - 1, first + below(4));
      const range = { from: at[first] ?? 1, to: at[last] ?? 1 };
      const act = [
        () => editor.commands.insertContentAt(range, EMOJI[below(EMOJI.length)] ?? ''),
        () => editor.commands.insertContentAt(range, `${EMOJI[below(EMOJI.length)]}x`),
        () => editor.chain().setTextSelection(range).toggleBold().run(),
        () => editor.commands.setSuggesting(below(2) === 0),
        () => editor.commands.undo(),
        () => editor.view.dispatch((below(2) ? acceptAll : rejectAll)(editor.state)),
      ][below(6)];
      act?.();
      expect(bodyOf(own).toJSON()).not.toMatch(/[\ufffd]|\p{Surrogate}/u);
      expect(bodyOf(other).toJSON()).toBe(bodyOf(own).toJSON());
    }
    expect(bodyOf(own).toJSON()).toMatch(/\p{Emoji_Presentation}/u);
  },
);
