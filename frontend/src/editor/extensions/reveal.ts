import { Extension } from '@tiptap/core';
import { Plugin, PluginKey } from '@tiptap/pm/state';
import { Decoration, DecorationSet } from '@tiptap/pm/view';

declare module '@tiptap/core' {
  interface Commands<ReturnType> {
    reveal: {
      /** Marks a range for a moment without selecting it; null ends it. */
      markRange: (range: { from: number; to: number } | null) => ReturnType;
    };
  }
}

const key = new PluginKey<DecorationSet>('reveal');

/** Shows where something is without taking the cursor there. */
export const reveal = Extension.create({
  name: 'reveal',

  addCommands() {
    return {
      markRange:
        (range) =>
        ({ tr }) => {
          tr.setMeta(key, { range }).setMeta('addToHistory', false);
          return true;
        },
    };
  },

  addProseMirrorPlugins() {
    return [
      new Plugin<DecorationSet>({
        key,
        state: {
          init: () => DecorationSet.empty,
          apply(tr, old) {
            const told = tr.getMeta(key) as
              { range: { from: number; to: number } | null } | undefined;
            if (!told) return old.map(tr.mapping, tr.doc);
            if (!told.range) return DecorationSet.empty;
            const { from, to } = told.range;
            return DecorationSet.create(tr.doc, [
              Decoration.inline(from, to, { class: 'revealed' }),
            ]);
          },
        },
        props: { decorations: (state) => key.getState(state) },
      }),
    ];
  },
});
