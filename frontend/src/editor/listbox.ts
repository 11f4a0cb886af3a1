import type { SuggestionProps } from '@tiptap/suggestion';

export interface Choice {
  /** What is shown and read aloud. */
  title: string;
  detail?: string;
  hint?: string;
}

let lists = 0;

/**
 * The list under the cursor that `/` and `[[` open. Focus stays in the text: the text names the
 * active line, so that screen readers follow without the caret moving.
 */
export function openListbox<T extends Choice>(label: string, nothing: (query: string) => string) {
  let items: readonly T[] = [];
  let active = 0;
  let choose: (item: T) => void = () => undefined;
  let unmount: (() => void) | null = null;
  let text: HTMLElement | null = null;
  const id = `listbox-${(lists += 1)}`;
  const dom = document.createElement('div');
  dom.className = 'editor-list';
  const list = document.createElement('div');
  list.id = id;
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', label);
  // What scrolls can be reached without a mouse.
  list.tabIndex = 0;
  const note = document.createElement('p');
  note.className = 'editor-list-note';
  note.setAttribute('role', 'status');
  dom.append(list, note);
  // A press must not take the focus from the text.
  dom.addEventListener('mousedown', (event) => event.preventDefault());

  function mark(): void {
    [...list.children].forEach((option, n) => {
      option.setAttribute('aria-selected', String(n === active));
      if (n === active) option.scrollIntoView({ block: 'nearest' });
    });
    if (items.length > 0) text?.setAttribute('aria-activedescendant', `${id}-${active}`);
    else text?.removeAttribute('aria-activedescendant');
  }

  function show(props: SuggestionProps<T, T>): void {
    choose = props.command;
    if (props.items !== items) {
      items = props.items;
      active = 0;
      list.replaceChildren(
        ...items.map((item, n) => {
          const option = document.createElement('div');
          option.id = `${id}-${n}`;
          option.className = 'editor-list-option';
          option.setAttribute('role', 'option');
          const title = document.createElement('span');
          title.className = 'editor-list-title';
          title.textContent = item.title;
          option.append(title);
          for (const [name, words] of [
            ['hint', item.hint],
            ['detail', item.detail],
          ] as const) {
            if (!words) continue;
            const line = document.createElement('span');
            line.className = `editor-list-${name}`;
            line.textContent = words;
            option.append(line);
          }
          option.addEventListener('click', () => choose(item));
          option.addEventListener('mousemove', () => {
            if (active === n) return;
            active = n;
            mark();
          });
          return option;
        }),
      );
    }
    note.textContent = items.length > 0 ? '' : props.loading ? 'Searching…' : nothing(props.query);
    note.hidden = items.length > 0;
    mark();
  }

  return {
    onStart(props: SuggestionProps<T, T>) {
      text = props.editor.view.dom;
      text.setAttribute('aria-controls', id);
      show(props);
      unmount = props.mount(dom);
    },
    onUpdate: show,
    onKeyDown({ event }: { event: KeyboardEvent }): boolean {
      const item = items[active];
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        if (items.length === 0) return false;
        active = (active + (event.key === 'ArrowDown' ? 1 : items.length - 1)) % items.length;
        mark();
        return true;
      }
      if ((event.key === 'Enter' || event.key === 'Tab') && item && !event.isComposing) {
        choose(item);
        return true;
      }
      return false;
    },
    onExit() {
      text?.removeAttribute('aria-activedescendant');
      text?.removeAttribute('aria-controls');
      unmount?.();
      unmount = null;
      items = [];
      dom.remove();
    },
  };
}
