import { Extension } from '@tiptap/core';
import { Plugin, PluginKey } from '@tiptap/pm/state';
import type * as Y from 'yjs';

import { observeTwice, settleTwice } from '../once';

export interface OnceOptions {
  body: Y.XmlFragment | null;
}

/** Leaves words once that several people wrote by one decision. */
export const once = Extension.create<OnceOptions>({
  name: 'once',

  addOptions() {
    return { body: null };
  },

  addProseMirrorPlugins() {
    const { body } = this.options;
    const { editor } = this;
    const doc = body?.doc;
    if (!body || !doc) return [];
    return [
      new Plugin({
        key: new PluginKey('once'),
        view: () => {
          // At once: the binding writes anew what it finds beside each other in two texts.
          const settle = () => {
            if (!editor.isDestroyed && editor.isEditable) settleTwice(doc, body);
          };
          queueMicrotask(settle);
          return { destroy: observeTwice(doc, body, settle) };
        },
      }),
    ];
  },
});
