import { act, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { type Comments as Listed, type CommentThread, forgetAll } from '../api';
import {
  type CommentPort,
  draftOf,
  forgetCommentDrafts,
  leaveCommentDesk,
  NEW,
  putDraft,
  setCommentDesk,
} from '../comments';
import { getPlace, go, setSync } from '../desk';
import { Comments } from './checks/Comments';

const AT = '2026-01-01T10:00:00Z';
const ANCHOR = { start: 'AA', end: 'AA', block: 'b', text: 'grew 12 %', before: '', after: '' };
const ANN = { subject: 'ann', name: 'Ann' };
const BO = { subject: 'bo', name: 'Bo' };

function thread(id: string, quote: string, ...said: [typeof ANN, string][]): CommentThread {
  return {
    id,
    anchor: { ...ANCHOR, text: quote },
    revision: 1,
    quote,
    resolved: null,
    created_at: AT,
    comments: said.map(([author, body], n) => ({
      id: `${id}_${n}`,
      author,
      body,
      mentions: [],
      created_at: AT,
      edited_at: null,
      deleted: body === '',
    })),
  };
}

let listed: Listed;
let asked: { what: string; sent: unknown }[];
let refuse: boolean;

const port: CommentPort = {
  name: () => 'Ann',
  selected: () => ANCHOR,
  anchor: () => ANCHOR,
  at: () => null,
  comment: () => undefined,
  reveal: () => undefined,
  focus: () => undefined,
};

function answer(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const url = new URL(input instanceof Request ? input.url : String(input), 'http://localhost');
  const method = init?.method ?? 'GET';
  if (url.pathname === '/api/me') return Promise.resolve(Response.json({ subject: 'ann' }));
  if (method === 'GET' && url.pathname.endsWith('/comments'))
    return Promise.resolve(Response.json(listed));
  if (method === 'GET')
    return Promise.resolve(
      Response.json({ error: { code: 'not_found', message: 'No.', remedy: '' } }, { status: 404 }),
    );
  const sent: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : null;
  asked.push({ what: `${method} ${url.pathname}`, sent });
  if (refuse)
    return Promise.resolve(
      Response.json(
        { error: { code: 'x', message: 'The store is away.', remedy: 'Try again.' } },
        { status: 503 },
      ),
    );
  return Promise.resolve(
    method === 'DELETE'
      ? new Response(null, { status: 204 })
      : Response.json(thread('thr_new', 'grew 12 %', [ANN, 'So?'])),
  );
}

beforeEach(() => {
  asked = [];
  refuse = false;
  listed = {
    threads: [
      thread('thr_2', 'second', [BO, 'Two'], [ANN, 'Mine']),
      thread('thr_1', 'first', [ANN, 'One']),
      thread('thr_3', 'lost', [BO, 'Three']),
    ],
    more: false,
    people: [ANN, BO],
    comments: true,
    moderates: false,
  };
  vi.stubGlobal('fetch', answer);
  localStorage.clear();
  forgetAll();
  forgetCommentDrafts();
  setSync({ connection: 'live', unsynced: 0, reachable: true });
  setCommentDesk({ port, order: ['thr_1', 'thr_2'], selecting: false });
  go({ space: 'spc_1', brief: 'brf_1', right: 'comments', sel: null });
});

afterEach(() => {
  leaveCommentDesk();
  vi.unstubAllGlobals();
});

async function open() {
  const shown = render(
    <main>
      <Comments brief="brf_1" />
    </main>,
  );
  await screen.findByText('Text is gone 1', { exact: false });
  return shown;
}

describe('the comments of a brief', () => {
  it('stand in the order of the text, those whose words are gone apart, and axe finds no fault', async () => {
    const { container } = await open();
    const list = screen.getByRole('list', { name: 'Open threads' });
    const names = within(list)
      .getAllByRole('listitem')
      .map((row) => row.getAttribute('aria-label'))
      .filter(Boolean);
    expect(names).toEqual(['Ann on “first”', 'Bo on “second”']);
    await userEvent.click(screen.getByRole('button', { name: /Text is gone 1/ }));
    const attach = screen.getByRole('button', { name: 'Attach to selection' });
    expect(attach).toHaveProperty('disabled', true);
    act(() => setCommentDesk({ selecting: true }));
    await userEvent.click(attach);
    expect(asked).toEqual([
      { what: 'PATCH /api/briefs/brf_1/comments/thr_3', sent: { anchor: ANCHOR } },
    ]);
    const { violations } = await axe.run(container, {
      rules: { 'color-contrast': { enabled: false } },
    });
    expect(violations.map(({ id }) => id)).toEqual([]);
  });

  it('are begun with a name chosen by keys; a refusal keeps the words', async () => {
    putDraft('brf_1', NEW, { anchor: ANCHOR });
    await open();
    const field = screen.getByRole('textbox', { name: 'Comment' });
    await userEvent.type(field, 'So, @b');
    expect(screen.getByRole('option', { name: /Bo/ }).getAttribute('aria-selected')).toBe('true');
    await userEvent.keyboard('{Enter}');
    expect(field).toHaveProperty('value', 'So, @Bo ');
    refuse = true;
    await userEvent.keyboard('{Control>}{Enter}{/Control}');
    expect(await screen.findByText('The store is away.')).toBeTruthy();
    expect(draftOf('brf_1', NEW)?.body).toBe('So, @Bo ');
    refuse = false;
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
    const [first, second] = asked;
    expect(first?.sent).toMatchObject({ body: 'So, @Bo ', mentions: ['bo'], name: 'Ann' });
    // Said again it is the same comment.
    expect(second).toEqual(first);
    expect(draftOf('brf_1', NEW)).toBeNull();
    expect(getPlace().sel).toEqual({ kind: 'comment', id: 'thr_new' });
  });

  it('take 10,000 characters and not one more', async () => {
    putDraft('brf_1', NEW, { anchor: ANCHOR, body: 'x'.repeat(10_000) });
    await open();
    const send = screen.getByRole('button', { name: 'Comment' });
    expect(screen.getByText('0 characters left')).toBeTruthy();
    expect(send).toHaveProperty('disabled', false);
    act(() => void putDraft('brf_1', NEW, { body: 'x'.repeat(10_001) }));
    expect(screen.getByText('1 character too many')).toBeTruthy();
    expect(send).toHaveProperty('disabled', true);
  });

  it('are kept and not sent without the connection, and a reader is told why they may not write', async () => {
    putDraft('brf_1', NEW, { anchor: ANCHOR, body: 'So?' });
    const { unmount } = await open();
    act(() => setSync({ reachable: false }));
    expect(screen.getByText(/Sending needs the connection/)).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Comment' })).toHaveProperty('disabled', true);
    unmount();
    setSync({ reachable: true });
    forgetAll();
    listed = { ...listed, comments: false };
    await open();
    expect(screen.getByText(/Your role may read comments/)).toBeTruthy();
    expect(screen.queryByRole('textbox')).toBeNull();
    expect(screen.queryByRole('button', { name: 'Resolve' })).toBeNull();
  });

  it('are one’s own to edit, and to delete once asked', async () => {
    await open();
    expect(screen.queryByRole('button', { name: 'Change Bo’s comment' })).toBeNull();
    const [mine] = screen.getAllByRole('button', { name: 'Change Ann’s comment' });
    if (!mine) throw new Error('one of mine');
    await userEvent.click(mine);
    await userEvent.click(await screen.findByRole('menuitem', { name: 'Delete…' }));
    const asking = await screen.findByRole('alertdialog');
    expect(asking.textContent).toContain('Delete this thread?');
    expect(asked).toEqual([]);
    await userEvent.click(within(asking).getByRole('button', { name: 'Delete' }));
    expect(asked.map(({ what }) => what)).toEqual([
      'DELETE /api/briefs/brf_1/comments/thr_1/thr_1_0',
    ]);
  });

  it('that are gone for good are said to be', async () => {
    go({ sel: { kind: 'comment', id: 'thr_deleted' } });
    await open();
    expect(await screen.findByText(/This comment was deleted/)).toBeTruthy();
  });
});
