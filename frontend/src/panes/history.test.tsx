import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';

import { type BriefVersion, forgetAll } from '../api';
import { type BriefPort, setBriefPort, setMode, setSync } from '../desk';
import { History } from './checks/History';

const ANN = { subject: 'ann', name: 'Ann' };

function version(number: number, change: Partial<BriefVersion> = {}): BriefVersion {
  return {
    number,
    at: new Date(Date.now() - (10 - number) * 60_000).toISOString(),
    kind: 'auto',
    name: null,
    restored: null,
    editors: [ANN],
    summary: `${number} paragraphs changed`,
    bytes: 100,
    ...change,
  };
}

let versions: BriefVersion[];
let asked: string[];
let sent: unknown[];
let restored: string[];
let failing: boolean;

function respond(method: string, path: string): Response {
  if (failing)
    return Response.json(
      { error: { code: 'unavailable', message: 'The history is away.', remedy: 'Try again.' } },
      { status: 503 },
    );
  if (path.includes('/difference'))
    return Response.json({
      before: 1,
      after: 2,
      summary: '1 paragraph changed',
      title: [{ how: 'same', text: 'Plan', marks: [], cite: null }],
      rows: [
        {
          block: 'b1',
          type: 'paragraph',
          within: [],
          attrs: {},
          change: 'changed',
          moved: false,
          label: 'Paragraph changed',
          attributes: [],
          runs: [
            { how: 'same', text: 'It grew by ', marks: [], cite: null },
            { how: 'deleted', text: '9', marks: [], cite: null },
            { how: 'inserted', text: '12', marks: ['bold'], cite: null },
            { how: 'same', text: '', marks: [], cite: 'cit_1' },
          ],
        },
        {
          block: 'b2',
          type: 'paragraph',
          within: [],
          attrs: {},
          change: 'removed',
          moved: false,
          label: 'Paragraph removed',
          attributes: [],
          runs: [{ how: 'deleted', text: 'Nobody knows.', marks: [], cite: null }],
        },
      ],
    });
  if (path.endsWith('/update')) {
    const doc = new Y.Doc();
    doc.getText('title').insert(0, 'Plan');
    return new Response(Y.encodeStateAsUpdate(doc) as Uint8Array<ArrayBuffer>);
  }
  if (method !== 'GET') return Response.json(versions[0]);
  return Response.json({ versions, more: false, total: versions.length, bytes: 1234 });
}

const port = {
  restore: (doc: Y.Doc) => {
    restored.push(doc.getText('title').toJSON());
    return Promise.resolve({ touched: 2, saved: true });
  },
} as unknown as BriefPort;

beforeEach(() => {
  versions = [version(3), version(2, { name: 'Sent', kind: 'named' }), version(1)];
  asked = [];
  sent = [];
  restored = [];
  failing = false;
  forgetAll();
  setBriefPort(port);
  setSync({ connection: 'live', unsynced: 0, reachable: true });
  vi.stubGlobal('fetch', (input: string, init?: RequestInit) => {
    const method = init?.method ?? 'GET';
    asked.push(`${method} ${input}`);
    if (typeof init?.body === 'string') sent.push(JSON.parse(init.body));
    return Promise.resolve(respond(method, input));
  });
});

afterEach(() => {
  setMode('edit');
  setBriefPort(null);
  vi.unstubAllGlobals();
});

function open() {
  return render(
    <main>
      <h2>Checks</h2>
      <History brief="brf_1" />
    </main>,
  );
}

async function expectAccessible(container: Element) {
  const { violations } = await axe.run(container, {
    // jsdom computes no colours; contrast is looked at in a real browser.
    rules: { 'color-contrast': { enabled: false } },
  });
  expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' | ')}`)).toEqual([]);
}

describe('the history', () => {
  it('lists versions by day with who, what and how much they take, accessibly', async () => {
    const { container } = open();
    expect(
      await screen.findByRole('button', { name: /Sent.*Ann.*2 paragraphs changed/ }),
    ).toBeTruthy();
    expect(screen.getByText('3 versions, 1 kB')).toBeTruthy();
    await expectAccessible(container);
  });

  it('says that it loads, that there is nothing, and what went wrong', async () => {
    versions = [];
    const { unmount } = open();
    expect(screen.getByRole('status').textContent).toContain('Loading');
    expect(await screen.findByText('No version yet')).toBeTruthy();
    unmount();
    forgetAll();
    failing = true;
    open();
    expect(await screen.findByText('The history is away.')).toBeTruthy();
  });

  it('shows a version with what changed in it, and without, accessibly', async () => {
    const { container } = open();
    await userEvent.click(await screen.findByRole('button', { name: /Sent/ }));
    expect(await screen.findByText('Nobody knows.')).toBeTruthy();
    expect(container.querySelector('ins')?.textContent).toBe('inserted: 12');
    expect(container.querySelector('del')?.textContent).toBe('deleted: 9');
    expect(asked).toContain('GET /api/briefs/brf_1/versions/difference?before=1&after=2');
    await expectAccessible(container);
    await userEvent.click(screen.getByLabelText('Show changes'));
    expect(container.querySelector('ins, del')).toBeNull();
    expect(screen.queryByText('Nobody knows.')).toBeNull();
  });

  it('goes from version to version and back to where it came from', async () => {
    open();
    await userEvent.click(await screen.findByRole('button', { name: /Sent/ }));
    await userEvent.click(screen.getByRole('button', { name: 'Later version' }));
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Later version' }).disabled).toBe(
      true,
    );
    await userEvent.click(screen.getByRole('button', { name: 'Earlier version' }));
    expect(screen.getByRole('heading', { name: 'Sent' })).toBeTruthy();
    await userEvent.keyboard('{Escape}');
    expect(document.activeElement?.textContent).toContain('Sent');
  });

  it('compares with the brief as it is now', async () => {
    open();
    await userEvent.click(await screen.findByRole('button', { name: /Sent/ }));
    await userEvent.selectOptions(screen.getByLabelText('Compare'), 'now');
    expect(await screen.findByText('Since this version: 1 paragraph changed.')).toBeTruthy();
    expect(asked).toContain('GET /api/briefs/brf_1/versions/difference?before=2');
  });

  it('saves what is there, restores through the editor, and marks what came of it', async () => {
    open();
    await userEvent.click(await screen.findByRole('button', { name: /Sent/ }));
    await userEvent.click(screen.getByRole('button', { name: 'Restore' }));
    expect(await screen.findByText(/Sent is restored: 2 blocks changed/)).toBeTruthy();
    expect(restored).toEqual(['Plan']);
    expect(sent).toEqual([{}, { restored: 2 }]);
  });

  it.each([
    ['may only read', () => setBriefPort(null)],
    ['cannot reach the server', () => setSync({ reachable: false })],
    ['has not saved yet', () => setSync({ unsynced: 1 })],
    ['is suggesting', () => setMode('suggest')],
  ])('does not restore for one who %s, and says why', async (_, hinder) => {
    open();
    await userEvent.click(await screen.findByRole('button', { name: /Sent/ }));
    hinder();
    await waitFor(() => {
      const button = screen.getByRole<HTMLButtonElement>('button', { name: 'Restore' });
      expect(button.disabled).toBe(true);
      expect(button.title).not.toBe('');
    });
  });

  it('saves a version under a name, and takes a name away', async () => {
    open();
    await userEvent.click(await screen.findByRole('button', { name: 'Save a version' }));
    await userEvent.type(screen.getByLabelText('Name'), 'For the board{Enter}');
    await waitFor(() => expect(sent).toEqual([{ name: 'For the board' }]));
    await userEvent.click(await screen.findByRole('button', { name: /Sent/ }));
    await userEvent.click(screen.getByRole('button', { name: 'Rename' }));
    await userEvent.clear(screen.getByLabelText('Name'));
    await userEvent.click(screen.getByRole('button', { name: 'Take the name away' }));
    await waitFor(() => expect(sent.at(-1)).toEqual({ name: null }));
    expect(asked).toContain('PUT /api/briefs/brf_1/versions/2/name');
  });
});
