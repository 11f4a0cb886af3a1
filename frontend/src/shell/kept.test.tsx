import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';

import type { BriefHandle } from '../panes/brief';
import { forgetCopy, keepCopy, type KeptCopy, keptCopies, type Session } from '../session';
import { Kept, wordsOf } from './Kept';
import { syncWords } from './syncWords';

function copyOf(changes: Partial<KeptCopy> = {}): KeptCopy {
  const doc = new Y.Doc();
  doc.getText('title').insert(0, 'Mine');
  return {
    id: 'brf_1/first/7',
    brief: 'brf_1',
    update: Y.encodeStateAsUpdate(doc),
    unsynced: 14,
    touched: ['a', 'b'],
    at: '2026-01-01T00:00:00Z',
    offered: false,
    ...changes,
  };
}

function sessionOf(access: 'read' | 'write'): Session {
  const status = { connection: 'live', synced: true, access };
  return {
    brief: 'brf_1',
    status: () => status,
    subscribe: () => () => undefined,
  } as unknown as Session;
}

function handleOf(saved: boolean) {
  const suggestCopy = vi.fn<BriefHandle['suggestCopy']>(() =>
    Promise.resolve({ touched: 2, saved }),
  );
  return { suggestCopy, handle: { suggestCopy } as unknown as BriefHandle };
}

afterEach(() => forgetCopy('brf_1/first/7'));

describe('a copy that was kept', () => {
  it('is offered once, and stays until it is removed', async () => {
    await keepCopy(copyOf());
    const { handle, suggestCopy } = handleOf(true);
    const page = render(<Kept session={sessionOf('write')} handle={handle} />);
    await screen.findByText(/Your 14 changes are kept as suggestions/);
    expect(suggestCopy).toHaveBeenCalledTimes(1);
    expect(suggestCopy.mock.calls[0]?.[1]).toEqual(['a', 'b']);
    page.unmount();
    render(<Kept session={sessionOf('write')} handle={handle} />);
    await screen.findByText(/Your 14 changes are kept as suggestions/);
    expect(suggestCopy).toHaveBeenCalledTimes(1);

    const person = userEvent.setup();
    await person.click(screen.getByRole('button', { name: 'Remove my copy…' }));
    await person.click(screen.getByRole('button', { name: 'Remove my copy' }));
    await waitFor(() => expect(screen.queryByText(/rebuilt on the server/)).toBeNull());
    expect(await keptCopies('brf_1')).toEqual([]);
  });

  it('is not marked as offered before the server has it', async () => {
    await keepCopy(copyOf());
    const { handle, suggestCopy } = handleOf(false);
    render(<Kept session={sessionOf('write')} handle={handle} />);
    await waitFor(() => expect(suggestCopy).toHaveBeenCalledTimes(1));
    await screen.findByText(/being put in as suggestions/);
    expect((await keptCopies('brf_1'))[0]?.offered).toBe(false);
  });

  it('is only kept for who may only read', async () => {
    await keepCopy(copyOf());
    const { handle, suggestCopy } = handleOf(true);
    render(<Kept session={sessionOf('read')} handle={handle} />);
    await screen.findByText(/You may only read it now: your 14 changes are kept on this device/);
    expect(screen.getByRole('button', { name: 'Copy my text' })).toBeTruthy();
    expect(suggestCopy).not.toHaveBeenCalled();
  });

  it('is suggested where nothing waited to be saved only when that is asked for', async () => {
    await keepCopy(copyOf({ unsynced: 0, touched: [] }));
    const { handle, suggestCopy } = handleOf(true);
    render(<Kept session={sessionOf('write')} handle={handle} />);
    await userEvent.click(await screen.findByRole('button', { name: 'Suggest what differs' }));
    expect(suggestCopy.mock.calls[0]?.[1]).toBeNull();
    await screen.findByText(/What differs in your copy is suggested/);
  });

  it('tells its title, which cannot be suggested', () => {
    const copy = copyOf({ offered: true, unsynced: 1, touched: ['title'] });
    expect(wordsOf(copy, false, false)).toBe(
      'Your 1 change is kept as suggestions. Your title was “Mine”. ' +
        'Your copy from before stays on this device until you remove it.',
    );
  });
});

describe('the words of the header', () => {
  it.each([
    ['connecting', 3, true, 'connecting… · 3 unsynced'],
    ['offline', 14, true, 'offline · 14 changes kept on this device'],
    ['offline', 1, false, 'offline · 1 change only in this page'],
    ['signedOut', 2, true, 'signed out · 2 changes kept on this device'],
    ['refused', 2, true, 'refused by the server · 2 unsynced'],
  ] as const)('say how much is unsaved while %s', (connection, unsynced, kept, text) => {
    expect(syncWords({ connection, unsynced, kept }).text).toBe(text);
  });
});
