import { Extension, resolveFocusPosition } from '@tiptap/core';

/**
 * Gives the text the focus before the next key. TipTap's own command waits for the next frame, and
 * on a busy page what is typed until then goes to whatever had the focus before, and is lost.
 */
export const focus = Extension.create({
  name: 'focus',

  addCommands() {
    return {
      focus:
        (position = null, { scrollIntoView = true } = {}) =>
        ({ editor, view, tr, dispatch }) => {
          if ((view.hasFocus() && position === null) || position === false) return true;
          if (!dispatch) return true;
          const selection = resolveFocusPosition(tr.doc, position);
          if (selection && !tr.selection.eq(selection)) tr.setSelection(selection);
          // Not at once: the commands chained after this one have yet to be applied, and a change
          // of focus is itself told to the editor.
          queueMicrotask(() => {
            if (!editor.isDestroyed) view.focus();
          });
          if (scrollIntoView)
            requestAnimationFrame(() => {
              if (!editor.isDestroyed) editor.commands.scrollIntoView();
            });
          return true;
        },
    };
  },
});
