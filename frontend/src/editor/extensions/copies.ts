import { Extension } from '@tiptap/core';
import { Plugin, PluginKey } from '@tiptap/pm/state';
import * as Y from 'yjs';

import { settleCopies } from '../copies';

export interface CopiesOptions {
  body: Y.XmlFragment | null;
  /** The clients in the room now. */
  present: () => ReadonlySet<number>;
}

/** Keeps block ids unique when edits of several people meet. */
export const copies = Extension.create<CopiesOptions>({
  name: 'copies',

  addOptions() {
    return { body: null, present: () => new Set() };
  },

  addProseMirrorPlugins() {
    const { body, present } = this.options;
    const { editor } = this;
    if (!body) return [];
    return [
      new Plugin({
        key: new PluginKey('copies'),
        view: () => {
          let timer: ReturnType<typeof setTimeout> | undefined;
          const look = (events: Y.YEvent<Y.XmlFragment>[], transaction: Y.Transaction) => {
            if (transaction.local) return;
            const arrived = events.some((event) => event.changes.added.size > 0);
            if (!arrived) return;
            clearTimeout(timer);
            timer = setTimeout(() => {
              if (editor.isEditable) settleCopies(body, present());
            }, 50);
          };
          body.observeDeep(look as Parameters<typeof body.observeDeep>[0]);
          return {
            destroy() {
              clearTimeout(timer);
              body.unobserveDeep(look as Parameters<typeof body.observeDeep>[0]);
            },
          };
        },
      }),
    ];
  },
});
