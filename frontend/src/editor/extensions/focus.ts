import { Extension, resolveFocusPosition } from '@tiptap/core';
import { Plugin } from '@tiptap/pm/state';

/**
 * Gives the text the focus before the next key. TipTap's own command waits for the next frame, and
 * on a busy page what is typed until then goes to whatever had the focus before, and is lost.
 *
 * The text can have the focus before it takes keys, too: who clicks into a brief that is being
 * opened goes on writing there once it is.
 */
export const focus = Extension.create({
  name: 'focus',

  addProseMirrorPlugins() {
    const { editor } = this;
    return [
      new Plugin({
        props: {
          attributes: () => ({ tabindex: '0', 'aria-readonly': String(!editor.isEditable) }),
        },
      }),
    ];
  },

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
