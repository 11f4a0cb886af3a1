import { type Editor, Extension } from '@tiptap/core';
import { type EditorState, TextSelection } from '@tiptap/pm/state';
import { findTable, selectedRect, type TableRect } from '@tiptap/pm/tables';

export interface TableKeysOptions {
  /** Says what was done to those who cannot see it. */
  announce: (message: string) => void;
}

/** Something that can be done to the table the cursor is in, from its menu and by key. */
export interface TableAct {
  name: string;
  group: 'Rows' | 'Columns' | 'Table';
  keys?: string;
  danger?: boolean;
  run: (editor: Editor) => boolean;
  said: string;
}

function rectOf(state: EditorState): TableRect | null {
  return findTable(state.selection.$from) ? selectedRect(state) : null;
}

/** Deletes the table with the last row or column of it, where the library would do nothing. */
function take(editor: Editor, what: 'row' | 'column'): boolean {
  const rect = rectOf(editor.state);
  if (!rect) return false;
  const isAll =
    what === 'row'
      ? rect.top === 0 && rect.bottom === rect.map.height
      : rect.left === 0 && rect.right === rect.map.width;
  const chain = editor.chain().focus();
  if (isAll) return chain.deleteTable().run();
  return what === 'row' ? chain.deleteRow().run() : chain.deleteColumn().run();
}

export const TABLE_ACTS: readonly TableAct[] = [
  {
    name: 'Row above',
    group: 'Rows',
    keys: 'Alt-Shift-ArrowUp',
    run: (editor) => editor.chain().focus().addRowBefore().run(),
    said: 'Row added above.',
  },
  {
    name: 'Row below',
    group: 'Rows',
    keys: 'Alt-Shift-ArrowDown',
    run: (editor) => editor.chain().focus().addRowAfter().run(),
    said: 'Row added below.',
  },
  {
    name: 'Delete row',
    group: 'Rows',
    keys: 'Alt-Shift-Backspace',
    run: (editor) => take(editor, 'row'),
    said: 'Row deleted.',
  },
  {
    name: 'Column before',
    group: 'Columns',
    keys: 'Alt-Shift-ArrowLeft',
    run: (editor) => editor.chain().focus().addColumnBefore().run(),
    said: 'Column added before.',
  },
  {
    name: 'Column after',
    group: 'Columns',
    keys: 'Alt-Shift-ArrowRight',
    run: (editor) => editor.chain().focus().addColumnAfter().run(),
    said: 'Column added after.',
  },
  {
    name: 'Delete column',
    group: 'Columns',
    keys: 'Alt-Shift-Delete',
    run: (editor) => take(editor, 'column'),
    said: 'Column deleted.',
  },
  {
    name: 'Header row on or off',
    group: 'Table',
    keys: 'Alt-Shift-h',
    run: (editor) => editor.chain().focus().toggleHeaderRow().run(),
    said: 'Header row changed.',
  },
  {
    name: 'Header column on or off',
    group: 'Table',
    run: (editor) => editor.chain().focus().toggleHeaderColumn().run(),
    said: 'Header column changed.',
  },
  {
    name: 'Delete table',
    group: 'Table',
    keys: 'Mod-Shift-Backspace',
    danger: true,
    run: (editor) => editor.chain().focus().deleteTable().run(),
    said: 'Table deleted.',
  },
];

function sizeOf(editor: Editor): string {
  const rect = rectOf(editor.state);
  return rect ? ` ${rect.map.height} rows, ${rect.map.width} columns.` : '';
}

/** Puts the cursor behind the table, or before it, in a paragraph that is made where none is. */
function leave(editor: Editor, where: 'after' | 'before'): boolean {
  return editor.commands.command(({ tr, state, dispatch }) => {
    const table = findTable(state.selection.$from);
    if (!table) return false;
    if (!dispatch) return true;
    const at = where === 'after' ? table.pos + table.node.nodeSize : table.pos;
    const $at = tr.doc.resolve(at);
    const beside = where === 'after' ? $at.nodeAfter : $at.nodeBefore;
    const paragraph = state.schema.nodes.paragraph;
    if (!beside?.isTextblock && paragraph) tr.insert(at, paragraph.create());
    const inside = where === 'after' || !beside?.isTextblock ? at + 1 : at - 1;
    tr.setSelection(TextSelection.near(tr.doc.resolve(inside), where === 'after' ? 1 : -1));
    tr.scrollIntoView();
    return true;
  });
}

/** Whether the cursor is in an empty last line of the last cell. */
function isAtEnd(state: EditorState): boolean {
  const rect = rectOf(state);
  const { $from, empty } = state.selection;
  if (!rect || !empty || $from.parent.content.size > 0) return false;
  const last = rect.tableStart + (rect.table.content.size - 1);
  const cell = $from.node($from.depth - 1);
  return $from.after($from.depth - 1) === last && cell.childCount > 1;
}

/** Tables without a mouse. Tab and arrows walk through the cells; these keys change and leave them. */
export const tableKeys = Extension.create<TableKeysOptions>({
  name: 'tableKeys',
  priority: 1_000,

  addOptions() {
    return { announce: () => undefined };
  },

  addKeyboardShortcuts() {
    const { editor } = this;
    const { announce } = this.options;
    const inTable = () => editor.isEditable && rectOf(editor.state) !== null;
    const acts = TABLE_ACTS.flatMap(({ keys, run, said }) =>
      keys
        ? [
            [
              keys,
              () => {
                if (!inTable() || !run(editor)) return false;
                announce(said + sizeOf(editor));
                return true;
              },
            ] as const,
          ]
        : [],
    );
    const left = (where: 'after' | 'before') => {
      if (!inTable() || !leave(editor, where)) return false;
      announce('Left the table.');
      return true;
    };
    return {
      ...Object.fromEntries(acts),
      'Mod-Enter': () => left('after'),
      'Mod-Shift-Enter': () => left('before'),
      Enter: () => {
        if (!inTable() || !isAtEnd(editor.state)) return false;
        const { $from } = editor.state.selection;
        editor.commands.deleteRange({ from: $from.before(), to: $from.after() });
        return left('after');
      },
      Tab: () => {
        // A list in a cell is indented by it.
        if (!inTable() || editor.isActive('listItem')) return false;
        if (editor.commands.goToNextCell()) return true;
        if (!editor.chain().addRowAfter().goToNextCell().run()) return false;
        announce(`Row added.${sizeOf(editor)}`);
        return true;
      },
    };
  },
});
