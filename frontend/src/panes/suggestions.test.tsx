import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { afterEach, expect, it } from 'vitest';

import { type PendingSuggestion, setMode, setSuggestionDesk } from '../desk';
import { Suggestions } from './checks/Suggestions';

function pending(id: string, name: string, summary: string): PendingSuggestion {
  const kind = name === 'StratMaster' ? 'ai' : 'person';
  return { id, author: name, name, kind, at: '2026-03-06T10:00:00Z', color: '#2c6fbb', summary };
}

const ALL = [
  pending('s1', 'Ada', 'Add “Gross”'),
  pending('s2', 'StratMaster', 'Add “Margins held.”'),
  pending('s3', 'Ada', 'Delete “ld.”'),
];

let did: string[] = [];

function open(all: readonly PendingSuggestion[], decides = true): void {
  did = [];
  setSuggestionDesk({
    all,
    current: 's3',
    decides,
    decide: (verdict, which) => did.push(`${verdict} ${which.id ?? which.author}`),
    show: (id) => did.push(`show ${id}`),
  });
  render(<Suggestions />);
}

afterEach(() => {
  setSuggestionDesk(null);
  setMode('edit');
});

it('lists suggestions by author, decides on one or on all of an author’s, accessibly', async () => {
  open(ALL);
  const ada = screen.getByRole('region', { name: 'Suggestions by Ada' });
  expect(ada.textContent).toContain('2 suggestions');
  expect(screen.getByRole('region', { name: 'Suggestions by StratMaster' }).textContent).toContain(
    'AI',
  );
  expect(screen.getByRole('button', { name: 'Delete “ld.”' }).getAttribute('aria-current')).toBe(
    'true',
  );
  await userEvent.click(screen.getByRole('button', { name: 'Accept: Add “Gross”' }));
  await userEvent.click(screen.getByRole('button', { name: 'Reject: Delete “ld.”' }));
  await userEvent.click(screen.getByRole('button', { name: 'Accept all' }));
  await userEvent.click(screen.getByRole('button', { name: 'Add “Margins held.”' }));
  expect(did).toEqual(['accept s1', 'reject s3', 'accept Ada', 'show s2']);
  const { violations } = await axe.run(document.body, { rules: { region: { enabled: false } } });
  expect(violations.map(({ id }) => id)).toEqual([]);
}, 20_000);

it('only shows them to who may not decide', () => {
  open(ALL, false);
  expect(screen.queryByRole('button', { name: 'Add “Gross”' })).not.toBeNull();
  expect(screen.queryByRole('button', { name: /Accept/ })).toBeNull();
});

it('says what suggesting is where nothing is suggested, and begins it', async () => {
  open([]);
  expect(screen.queryByText(/others accept or reject it/)).not.toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'Suggest' }));
  expect(screen.queryByRole('button', { name: 'Suggest' })).toBeNull();
});
