import { act, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';

import { Menu, MenuItem } from './Menu';

afterEach(() => vi.useRealTimers());

/** A menu that gives the focus to a text after an entry was chosen. */
function show() {
  const text = document.body.appendChild(document.createElement('textarea'));
  render(
    <Menu trigger={<button type="button">Table</button>} onChosen={() => text.focus()}>
      <MenuItem onSelect={() => text.focus()}>Add a row</MenuItem>
      <MenuItem onSelect={() => undefined}>Do nothing</MenuItem>
    </Menu>,
  );
  return text;
}

function open() {
  const button = screen.getByText('Table');
  button.focus();
  fireEvent.keyDown(button, { key: 'Enter' });
}

function choose(name: string) {
  const item = screen.getByText(name);
  item.focus();
  fireEvent.keyDown(item, { key: 'Enter' });
}

it('a menu that is opened again at once stays open when the one before gives the focus back', () => {
  vi.useFakeTimers();
  show();
  open();
  choose('Add a row');
  expect(screen.queryByText('Add a row')).toBeNull();
  open();
  act(() => void vi.runAllTimers());
  expect(screen.getByText('Add a row')).toBeTruthy();
});

it('the focus goes where it is told after an entry was chosen, or back to the button', () => {
  vi.useFakeTimers();
  const text = show();
  open();
  choose('Do nothing');
  act(() => void vi.runAllTimers());
  expect(document.activeElement).toBe(text);
  open();
  fireEvent.keyDown(screen.getByText('Do nothing'), { key: 'Escape' });
  act(() => void vi.runAllTimers());
  expect(document.activeElement).toBe(screen.getByText('Table'));
});
