import { Extension } from '@tiptap/core';
import type { Node } from '@tiptap/pm/model';
import { Plugin, PluginKey } from '@tiptap/pm/state';
import { Decoration, DecorationSet, type EditorView } from '@tiptap/pm/view';

/** What the status of an action item became where the brief was exported to. */
export interface StatusElsewhere {
  block: string;
  status: 'open' | 'doing' | 'done';
  /** What the place is called: "Jira". */
  where: string;
}

declare module '@tiptap/core' {
  interface Commands<ReturnType> {
    elsewhere: {
      /** Shows these statuses beside their items from now on. */
      setElsewhere: (statuses: readonly StatusElsewhere[]) => ReturnType;
    };
  }
}

interface ElsewhereState {
  statuses: readonly StatusElsewhere[];
  chips: DecorationSet;
}

const key = new PluginKey<ElsewhereState>('elsewhere');
const WORDS = { open: 'Open', doing: 'Doing', done: 'Done' };

/** "Done in Jira", with a button by which a person makes it so here: it is their edit then. */
export const elsewhere = Extension.create({
  name: 'elsewhere',

  addCommands() {
    return {
      setElsewhere:
        (statuses) =>
        ({ tr }) => {
          tr.setMeta(key, statuses).setMeta('addToHistory', false);
          return true;
        },
    };
  },

  addProseMirrorPlugins() {
    return [
      new Plugin<ElsewhereState>({
        key,
        state: {
          init: () => ({ statuses: [], chips: DecorationSet.empty }),
          apply(tr, old) {
            const told = tr.getMeta(key) as readonly StatusElsewhere[] | undefined;
            if (told) return { statuses: told, chips: chipsOf(tr.doc, told) };
            if (!tr.docChanged || old.statuses.length === 0) return old;
            return { ...old, chips: chipsOf(tr.doc, old.statuses) };
          },
        },
        props: { decorations: (state) => key.getState(state)?.chips },
      }),
    ];
  },
});

function chipsOf(doc: Node, statuses: readonly StatusElsewhere[]): DecorationSet {
  const chips: Decoration[] = [];
  if (statuses.length > 0)
    doc.descendants((node, pos) => {
      if (node.type.name !== 'action') return !node.isTextblock;
      for (const told of statuses) {
        const { block, status, where } = told;
        if (block !== node.attrs.id || status === node.attrs.status) continue;
        chips.push(
          Decoration.widget(pos + node.nodeSize - 1, (view, at) => chip(view, at, told), {
            key: `${where} ${status}`,
            side: 1,
            ignoreSelection: true,
            stopEvent: () => true,
          }),
        );
      }
      return false;
    });
  return DecorationSet.create(doc, chips);
}

function chip(view: EditorView, at: () => number | undefined, told: StatusElsewhere): HTMLElement {
  const box = document.createElement('span');
  box.className = 'elsewhere';
  box.contentEditable = 'false';
  const said = `${WORDS[told.status]} in ${told.where}`;
  box.append(said);
  const take = document.createElement('button');
  take.type = 'button';
  take.textContent = 'Take over';
  take.setAttribute('aria-label', `Take over: ${said}`);
  take.addEventListener('click', () => {
    const pos = at();
    if (pos === undefined || !view.editable) return;
    const item = view.state.doc.resolve(pos);
    view.dispatch(view.state.tr.setNodeAttribute(item.before(), 'status', told.status));
    view.focus();
  });
  box.append(take);
  return box;
}
