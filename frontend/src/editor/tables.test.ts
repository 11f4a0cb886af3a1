import type { Editor } from '@tiptap/core';
import { CellSelection } from '@tiptap/pm/tables';
import { yUndoPluginKey } from '@tiptap/y-tiptap';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type * as Y from 'yjs';

import { TABLE_ACTS } from './extensions/tableKeys';
import { openEditor, placeOf } from './testEditor';

let editor: Editor;
let said: string[];

const cell = (type: string, text: string) => ({
  type,
  content: [{ type: 'paragraph', content: text ? [{ type: 'text', text }] : [] }],
});

beforeEach(() => {
  said = [];
  editor = openEditor(undefined, { say: (message) => said.push(message) });
  editor.commands.setContent([
    {
      type: 'table',
      content: [
        { type: 'tableRow', content: [cell('tableHeader', 'Year'), cell('tableHeader', 'Bikes')] },
        { type: 'tableRow', content: [cell('tableCell', '2025'), cell('tableCell', '1200')] },
      ],
    },
  ]);
  const history = yUndoPluginKey.getState(editor.state) as { undoManager: Y.UndoManager };
  history.undoManager.stopCapturing();
  editor.commands.setTextSelection(placeOf(editor, 'Year'));
});

afterEach(() => editor.destroy());

function press(key: string, mods: KeyboardEventInit = {}): void {
  editor.view.dom.dispatchEvent(
    new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...mods }),
  );
}

/** The rows of the table as text, a header cell in brackets; null where there is no table. */
function rows(): string[][] | null {
  const table = editor.state.doc.content.content.find(({ type }) => type.name === 'table');
  if (!table) return null;
  return table.content.content.map((row) =>
    row.content.content.map((one) =>
      one.type.name === 'tableHeader' ? `[${one.textContent}]` : one.textContent,
    ),
  );
}

function here(): string {
  return editor.state.selection.$from.parent.textContent;
}

it('Tab and Shift+Tab walk through the cells, and Tab in the last one adds a row and says so', () => {
  press('Tab');
  expect(here()).toBe('Bikes');
  press('Tab');
  press('Tab');
  expect(here()).toBe('1200');
  press('Tab', { shiftKey: true });
  expect(here()).toBe('2025');
  editor.commands.setTextSelection(placeOf(editor, '1200'));
  press('Tab');
  expect(rows()).toEqual([
    ['[Year]', '[Bikes]'],
    ['2025', '1200'],
    ['', ''],
  ]);
  expect(here()).toBe('');
  expect(said).toEqual(['Row added. 3 rows, 2 columns.']);
});

it('rows and columns are added and deleted by key, each told with the new size', () => {
  const alt = { altKey: true, shiftKey: true };
  press('ArrowDown', alt);
  expect(rows()?.map((row) => row[0])).toEqual(['[Year]', '', '2025']);
  press('ArrowRight', alt);
  expect(rows()?.[0]).toEqual(['[Year]', '[]', '[Bikes]']);
  press('Delete', alt);
  expect(rows()?.[0]).toEqual(['[]', '[Bikes]']);
  editor.commands.setTextSelection(placeOf(editor, '1200'));
  press('Backspace', alt);
  press('ArrowUp', alt);
  press('ArrowLeft', alt);
  expect(said).toEqual([
    'Row added below. 3 rows, 2 columns.',
    'Column added after. 3 rows, 3 columns.',
    'Column deleted. 3 rows, 2 columns.',
    'Row deleted. 2 rows, 2 columns.',
    'Row added above. 3 rows, 2 columns.',
    'Column added before. 3 rows, 3 columns.',
  ]);
});

it('the header row is taken off and put on by key', () => {
  press('H', { altKey: true, shiftKey: true, keyCode: 72 });
  expect(rows()?.[0]).toEqual(['Year', 'Bikes']);
  press('H', { altKey: true, shiftKey: true, keyCode: 72 });
  expect(rows()?.[0]).toEqual(['[Year]', '[Bikes]']);
});

it('the table goes by key, and with its last row or column', () => {
  press('Backspace', { ctrlKey: true, shiftKey: true });
  expect(rows()).toBeNull();
  expect(said).toEqual(['Table deleted.']);
  editor.commands.undo();
  expect(rows()).toHaveLength(2);
  for (const name of ['Delete row', 'Delete column']) {
    const table = CellSelection.create(
      editor.state.doc,
      2,
      editor.state.doc.resolve(placeOf(editor, '1200')).before(3),
    );
    editor.view.dispatch(editor.state.tr.setSelection(table));
    expect(TABLE_ACTS.find((act) => act.name === name)?.run(editor)).toBe(true);
    expect(rows()).toBeNull();
    editor.commands.undo();
  }
});

it('Ctrl+Enter leaves below, in a paragraph that is made, and Ctrl+Shift+Enter above', () => {
  const kinds = () => editor.state.doc.content.content.map(({ type }) => type.name);
  press('Enter', { ctrlKey: true });
  expect(kinds()).toEqual(['table', 'paragraph']);
  expect(editor.state.selection.$from.index(0)).toBe(1);
  editor.commands.setTextSelection(placeOf(editor, 'Bikes'));
  press('Enter', { ctrlKey: true, shiftKey: true });
  expect(kinds()).toEqual(['paragraph', 'table', 'paragraph']);
  expect(editor.state.selection.$from.index(0)).toBe(0);
  editor.commands.setTextSelection(placeOf(editor, 'Bikes'));
  press('Enter', { ctrlKey: true });
  expect(kinds()).toEqual(['paragraph', 'table', 'paragraph']);
  expect(said).toEqual(Array(3).fill('Left the table.'));
});

it('Enter begins a line in a cell; in the last cell a second one leaves and takes the line back', () => {
  editor.commands.setTextSelection(placeOf(editor, '1200') + 4);
  press('Enter');
  expect(editor.isActive('table')).toBe(true);
  press('Enter');
  expect(editor.isActive('table')).toBe(false);
  expect(rows()?.[1]).toEqual(['2025', '1200']);
  expect(editor.state.doc.lastChild?.type.name).toBe('paragraph');
});

it('outside a table the keys are left to others', () => {
  editor.commands.setContent('<p>Words</p>');
  press('Backspace', { altKey: true, shiftKey: true });
  press('Enter', { ctrlKey: true });
  expect(said).toEqual([]);
});
