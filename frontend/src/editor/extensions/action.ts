import { mergeAttributes, Node, textblockTypeInputRule } from '@tiptap/core';
import { TextSelection } from '@tiptap/pm/state';

export type ActionStatus = 'open' | 'doing' | 'done';

const STATUSES: readonly { value: ActionStatus; label: string }[] = [
  { value: 'open', label: 'Open' },
  { value: 'doing', label: 'Doing' },
  { value: 'done', label: 'Done' },
];

export function isStatus(value: unknown): value is ActionStatus {
  return STATUSES.some((status) => status.value === value);
}

declare module '@tiptap/core' {
  interface Commands<ReturnType> {
    action: {
      /** Turns the block into an action item, or back into a paragraph. */
      toggleAction: () => ReturnType;
    };
  }
}

function text(name: string, attribute: string, fallback: string) {
  return {
    [name]: {
      default: fallback,
      keepOnSplit: false,
      parseHTML: (element: HTMLElement) => element.getAttribute(attribute) ?? fallback,
      renderHTML: (attributes: Record<string, unknown>) => ({ [attribute]: attributes[name] }),
    },
  };
}

const DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' });

/** "2026-03-06" as "6 Mar 2026", the same in every browser. */
export function dayInWords(due: string): string {
  const day = new Date(`${due}T00:00:00Z`);
  return Number.isNaN(day.getTime()) ? due : DAY.format(day);
}

/** A block that somebody is to do something about: words, an owner, a day, and how far it is. */
export const action = Node.create({
  name: 'action',
  group: 'block',
  content: 'inline*',
  defining: true,

  addAttributes() {
    return {
      ...text('owner', 'data-owner', ''),
      ...text('due', 'data-due', ''),
      status: {
        default: 'open',
        keepOnSplit: false,
        parseHTML: (element: HTMLElement) => {
          const status = element.getAttribute('data-status');
          return isStatus(status) ? status : 'open';
        },
        renderHTML: ({ status }) => ({ 'data-status': status as string }),
      },
    };
  },

  parseHTML() {
    return [{ tag: 'div[data-action]' }];
  },

  renderHTML({ HTMLAttributes }) {
    return ['div', mergeAttributes({ 'data-action': '' }, HTMLAttributes), 0];
  },

  addCommands() {
    return {
      toggleAction:
        () =>
        ({ commands }) =>
          commands.toggleNode(this.name, 'paragraph'),
    };
  },

  addKeyboardShortcuts() {
    const empty = () => {
      const { $from, empty: caret } = this.editor.state.selection;
      return caret && $from.parent.type === this.type && $from.parent.content.size === 0;
    };
    const atStart = () => {
      const { $from, empty: caret } = this.editor.state.selection;
      return caret && $from.parent.type === this.type && $from.parentOffset === 0;
    };
    // The words keep what was agreed about them; the item begun beside them is a new one.
    const split = () =>
      this.editor.commands.command(({ tr }) => {
        if (!(tr.selection instanceof TextSelection)) return false;
        if (tr.selection.$from.parent.type !== this.type) return false;
        const { $from } = tr.deleteSelection().selection;
        const begun = this.type.create().attrs;
        const before = $from.parentOffset === 0 && $from.parent.content.size > 0;
        const { attrs } = $from.parent;
        tr.split($from.pos, 1, [{ type: this.type, attrs: before ? attrs : begun }]);
        if (before) tr.setNodeMarkup($from.before(), undefined, begun);
        tr.scrollIntoView();
        return true;
      });
    // The browser's own Tab would go to the first item of the whole brief.
    const goTo = (field: 'owner' | 'status') => {
      const { $from } = this.editor.state.selection;
      if ($from.parent.type !== this.type) return false;
      const item = this.editor.view.nodeDOM($from.before());
      if (!(item instanceof HTMLElement)) return false;
      item.querySelector<HTMLElement>(`.action-${field}`)?.focus();
      return true;
    };
    return {
      Tab: () => goTo('owner'),
      'Shift-Tab': () => goTo('status'),
      Enter: () => (empty() ? this.editor.commands.setNode('paragraph') : split()),
      Backspace: () => atStart() && this.editor.commands.setNode('paragraph'),
      'Mod-Alt-t': () => this.editor.commands.toggleAction(),
    };
  },

  addInputRules() {
    return [textblockTypeInputRule({ find: /^\s*\[ ?\]\s$/, type: this.type })];
  },

  addNodeView() {
    return ({ node, editor, getPos }) => {
      let current = node;
      const set = (name: string, value: string) => {
        const pos = getPos();
        if (pos === undefined || current.attrs[name] === value) return;
        editor.view.dispatch(editor.state.tr.setNodeAttribute(pos, name, value));
      };

      const dom = document.createElement('div');
      dom.className = 'action';
      const status = document.createElement('select');
      status.className = 'action-status';
      status.setAttribute('aria-label', 'Status');
      for (const { value, label } of STATUSES) status.add(new Option(label, value));
      status.addEventListener('change', () => set('status', status.value));

      const words = document.createElement('div');
      words.className = 'action-text';

      const owner = document.createElement('input');
      owner.className = 'action-owner';
      owner.placeholder = 'Owner';
      owner.maxLength = 120;
      owner.setAttribute('aria-label', 'Owner');
      owner.addEventListener('change', () => set('owner', owner.value.trim()));

      const due = document.createElement('input');
      due.className = 'action-due';
      due.placeholder = 'Due';
      due.setAttribute('aria-label', 'Due');
      // A date field shows the browser's own order of day and month; read as words it is the same
      // for everybody, so it is a date field only while it is being filled in.
      due.addEventListener('focus', () => {
        due.type = 'date';
        due.value = String(current.attrs.due ?? '');
      });
      due.addEventListener('blur', () => {
        const day = due.value;
        due.type = 'text';
        set('due', day);
        due.value = dayInWords(String(current.attrs.due ?? ''));
      });

      const controls = document.createElement('div');
      controls.className = 'action-controls';
      controls.contentEditable = 'false';
      controls.append(owner, due);
      const lead = document.createElement('div');
      lead.className = 'action-lead';
      lead.contentEditable = 'false';
      lead.append(status);
      dom.append(lead, words, controls);

      dom.addEventListener('keydown', (event) => {
        const field = event.target;
        if (!(field instanceof HTMLElement) || words.contains(field)) return;
        if (event.key !== 'Escape' && !(event.key === 'Enter' && field !== status)) return;
        event.preventDefault();
        field.blur();
        editor.commands.focus();
      });

      const show = () => {
        const { attrs } = current;
        dom.dataset.status = status.value = isStatus(attrs.status) ? attrs.status : 'open';
        // What somebody is typing is not overwritten by what arrives meanwhile.
        if (document.activeElement !== owner) owner.value = String(attrs.owner ?? '');
        if (document.activeElement !== due) due.value = dayInWords(String(attrs.due ?? ''));
        for (const field of [status, owner, due]) field.disabled = !editor.isEditable;
        dom.dataset.id = String(attrs.id ?? '');
        dom.dataset.origin = String(attrs.origin ?? '');
      };
      show();
      editor.on('update', show);

      return {
        dom,
        contentDOM: words,
        update(next) {
          if (next.type !== current.type) return false;
          current = next;
          show();
          return true;
        },
        stopEvent: (event) =>
          event.target instanceof globalThis.Node &&
          (controls.contains(event.target) || lead.contains(event.target)),
        ignoreMutation: (mutation) =>
          mutation.type === 'selection'
            ? false
            : controls.contains(mutation.target) ||
              lead.contains(mutation.target) ||
              mutation.target === dom,
        destroy: () => editor.off('update', show),
      };
    };
  },
});
