import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { forgetAll, invalidate } from '../api';
import { type BriefPort, go, setBriefPort, setSync } from '../desk';
import { forgetPlans, type Outcome, showShip } from '../exports';
import { ChecksPane } from './checks';
import { CONNECTION, fakeExports, type FakeExports, item, PLAN, run, target } from './fake-exports';

let api: FakeExports;

beforeEach(() => {
  api = fakeExports();
  vi.stubGlobal('fetch', api.fetch);
  forgetAll();
  forgetPlans();
  showShip({ brief: 'brf_1', show: 'targets' });
  setSync({ connection: 'live', unsynced: 0, reachable: true });
  go({ space: 'spc_1', brief: 'brf_1', left: 'ask', right: 'ship', sel: null });
});

afterEach(() => {
  setBriefPort(null);
  vi.unstubAllGlobals();
});

function open() {
  return render(
    <main>
      <h2>Checks</h2>
      <ChecksPane space="spc_1" brief="brf_1" />
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

async function press(name: string | RegExp) {
  await userEvent.click(await screen.findByRole('button', { name }));
}

async function dryRun() {
  await press('Dry-run');
  await screen.findByText('1 create · 1 update · 1 conflict');
}

describe('targets', () => {
  it('say what will appear here, and that a folder needs no account, accessibly', async () => {
    const { container } = open();
    expect(await screen.findByText(/Here appear the places this brief goes to/)).toBeTruthy();
    expect(screen.getByText('A folder needs no account.')).toBeTruthy();
    await expectAccessible(container);
  });

  it('may only be added by who exports, and say so to others', async () => {
    api.role = 'commenter';
    open();
    expect(await screen.findByText('Only analysts and admins of this space export.')).toBeTruthy();
    const button = screen.getByRole<HTMLButtonElement>('button', { name: 'Write to a folder' });
    expect(button.disabled).toBe(true);
  });

  it('a folder is added with its name alone', async () => {
    open();
    await press('Write to a folder');
    const name = await screen.findByLabelText('Name of the folder');
    await userEvent.clear(name);
    await userEvent.type(name, 'Board{Enter}');
    expect(await screen.findByRole('article', { name: 'Board' })).toBeTruthy();
    expect(api.sent).toEqual([
      {
        connection: null,
        kind: 'folder',
        name: 'Board',
        where: { folder: 'Board' },
        mapping: {},
        remember: 'brief',
      },
    ]);
    expect(screen.getByText('Never exported')).toBeTruthy();
  });

  it('Jira is connected by token, its place found by name, its mapping chosen', async () => {
    open();
    await press('Notion, Jira or Trello');
    await press(/^Jira/);
    const dialog = within(await screen.findByRole('dialog'));
    expect(await dialog.findByText(/Browse projects, Create issues/)).toBeTruthy();
    await userEvent.type(dialog.getByLabelText('Site'), 'https://acme.atlassian.net');
    await userEvent.type(dialog.getByLabelText('E-mail of your account'), 'ann@acme.test');
    const token = dialog.getByLabelText<HTMLInputElement>('API token');
    expect(token.type).toBe('password');
    await userEvent.type(token, ' secret{Enter}');
    await userEvent.type(await dialog.findByLabelText('Search'), 'Ops');
    await userEvent.clear(dialog.getByLabelText('Search'));
    await userEvent.click(await dialog.findByRole('button', { name: /^Operations/ }));
    await expectAccessible(await screen.findByRole('dialog'));
    await userEvent.selectOptions(await dialog.findByLabelText('Type of the issues'), 'Story');
    expect(dialog.getByLabelText<HTMLSelectElement>('Open').value).toBe('t');
    await userEvent.selectOptions(dialog.getByLabelText('Open'), 'Finished');
    await userEvent.click(dialog.getByLabelText('every brief of this space'));
    await userEvent.click(dialog.getByRole('button', { name: 'Add the target' }));
    expect(await screen.findByRole('article', { name: 'Operations' })).toBeTruthy();
    expect(api.sent[0]).toEqual({
      kind: 'jira',
      site: 'https://acme.atlassian.net',
      email: 'ann@acme.test',
      token: 'secret',
      connection: null,
    });
    expect(api.sent.at(-1)).toMatchObject({
      connection: 'con_1',
      where: { project: 'OPS' },
      mapping: { type: '2', statuses: { open: 'd', done: 'd' } },
      remember: 'space',
    });
  });

  it('a refused token is told, and what was typed stays', async () => {
    open();
    await press('Notion, Jira or Trello');
    await press(/^Notion/);
    await userEvent.type(await screen.findByLabelText('Integration secret'), 'ntn_bad');
    api.refused = {
      code: 'refused',
      message: 'Notion does not know it.',
      remedy: 'Copy it again.',
    };
    await press('Connect');
    expect(await screen.findByText('Notion does not know it.')).toBeTruthy();
    expect(screen.getByLabelText<HTMLInputElement>('Integration secret').value).toBe('ntn_bad');
  });

  it('a sign-in goes on in another window, which learns nothing of this one', async () => {
    api.signsIn = true;
    const tab = { opener: window as unknown, location: { href: '' } };
    vi.stubGlobal('open', () => tab);
    open();
    await press('Notion, Jira or Trello');
    await press(/^Jira/);
    await press('Sign in at Jira');
    expect(await screen.findByText(/Go on in the other window/)).toBeTruthy();
    expect(tab).toEqual({ opener: null, location: { href: 'https://auth.test/authorize' } });
    // What was said yes to over there comes by event.
    api.connections = [CONNECTION];
    invalidate('/api/spaces/spc_1/connections');
    expect(await screen.findByRole('button', { name: /^acme/ })).toBeTruthy();
  });

  it('say what is to be entered over there, so that changes are heard of', async () => {
    api.targets = [target()];
    api.listening = {
      url: 'https://us.test/api/hooks/h1',
      by_hand: true,
      heard: false,
      watching: [],
      secret: 'shh',
    };
    open();
    await press('More about Growth');
    await userEvent.click(await screen.findByRole('menuitem', { name: /are heard of/ }));
    expect(await screen.findByText('https://us.test/api/hooks/h1')).toBeTruthy();
    expect(screen.getByText('shh')).toBeTruthy();
    await expectAccessible(screen.getByRole('dialog'));
  });

  it('are looked at for changes over there when asked to', async () => {
    api.targets = [target()];
    open();
    await press('More about Growth');
    await userEvent.click(
      await screen.findByRole('menuitem', { name: 'Look for changes over there' }),
    );
    await waitFor(() => expect(api.asked).toContain('POST /api/briefs/brf_1/targets/tgt_1/look'));
  });

  it('are removed once asked, and nothing over there is', async () => {
    api.targets = [target()];
    open();
    await press('More about Growth');
    await userEvent.click(await screen.findByRole('menuitem', { name: 'Remove…' }));
    expect(await screen.findByText(/What was made over there stays as it is/)).toBeTruthy();
    await press('Remove the target');
    expect(await screen.findByText(/Here appear the places/)).toBeTruthy();
  });

  it('of files say where they lie, since no page may open them, and lead nowhere that runs', async () => {
    api.targets = [
      target({ kind: 'folder', url: 'file:///srv/exports/board/A%20plan.md' }),
      target({ id: 'tgt_2', name: 'Bad', url: 'javascript:alert(1)' }),
    ];
    open();
    expect(await screen.findByText('/srv/exports/board/A plan.md')).toBeTruthy();
    expect(screen.queryByRole('link')).toBeNull();
  });

  it('show a badge on the tab of what waits for a person', async () => {
    api.targets = [target({ drift: { drift: 2, conflicts: 1, astray: 0 } })];
    open();
    expect(await screen.findByRole('tab', { name: 'Ship 3' })).toBeTruthy();
    expect(screen.getByText('1 conflict to decide')).toBeTruthy();
  });

  it('whose token is no longer good say what is to be done', async () => {
    api.targets = [target({ reconnect: true })];
    open();
    await press('Connect again');
    await userEvent.type(await screen.findByLabelText('API token'), 'new');
    await userEvent.type(screen.getByLabelText('Site'), 'https://acme.atlassian.net');
    await userEvent.type(screen.getByLabelText('E-mail of your account'), 'ann@acme.test{Enter}');
    await waitFor(() => expect(api.sent.at(-1)).toMatchObject({ connection: 'con_1' }));
  });

  it('export nothing while the server does not answer, and say why', async () => {
    api.targets = [target()];
    open();
    const button = await screen.findByRole<HTMLButtonElement>('button', { name: 'Dry-run' });
    expect(button.disabled).toBe(false);
    setSync({ reachable: false });
    await waitFor(() => expect(button.disabled).toBe(true));
    expect(button.title).toContain('The server does not answer');
  });
});

describe('a dry-run', () => {
  beforeEach(() => {
    api.targets = [target()];
  });

  it('is made by key from any tab', async () => {
    go({ right: 'claims' });
    open();
    await waitFor(() => expect(api.asked).toContain('GET /api/briefs/brf_1/targets'));
    await userEvent.keyboard('{Control>}{Alt>}e{/Alt}{/Control}');
    expect(await screen.findByText('1 create · 1 update · 1 conflict')).toBeTruthy();
    expect(document.activeElement?.textContent).toBe('Jira: Growth');
    // And again, where one is shown already.
    await userEvent.keyboard('{Control>}{Alt>}e{/Alt}{/Control}');
    await waitFor(() => expect(api.asked.filter((one) => one.endsWith('/plan'))).toHaveLength(2));
  });

  it('shows how it will look, every byte, what differs and what is lost, accessibly', async () => {
    const { container } = open();
    await dryRun();
    expect(screen.getByText('2 calls that write and 3 that read, about 3 seconds.')).toBeTruthy();
    const preview = screen.getByRole('region', { name: 'Preview' });
    expect(within(preview).getByRole('link', { name: 'them' }).getAttribute('href')).toBe(
      'https://acme.test/list',
    );
    expect(within(preview).getByText('first').closest('li')).toBeTruthy();
    // What changed over there on both sides stays as it is there.
    expect(within(preview).getByText('Ask the dealers twice')).toBeTruthy();
    expect(within(preview).queryByText('Count them')).toBeNull();
    await expectAccessible(container);

    await userEvent.click(screen.getByRole('tab', { name: 'Payload 2' }));
    const payload = screen.getByRole('region', { name: 'Payload' });
    expect(within(payload).getByText('POST /rest/api/3/issue')).toBeTruthy();
    expect(within(payload).getByText('{"fields":{"summary":"Call é"}}')).toBeTruthy();
    expect(within(payload).getByText('32 bytes')).toBeTruthy();
    await expectAccessible(container);

    await userEvent.click(screen.getByRole('tab', { name: 'Diff 2' }));
    const summary = screen.getByRole('region', { name: 'Summary of Ask the dealers' });
    const side = (name: string) => within(summary).getByText(name).parentElement?.textContent;
    expect(side('Last sent')).toBe('Last sentAsk the dealers');
    expect(side('Here')).toBe('HereAsk inserted: all the dealers');
    expect(side('There now')).toBe('There nowAsk the dealersinserted:  twice');
    await expectAccessible(container);

    await userEvent.click(screen.getByRole('tab', { name: 'Loss 1' }));
    expect(screen.getByText('Underlined words are shown without the line.')).toBeTruthy();
    await expectAccessible(container);
  }, 30_000);

  it('never takes what comes from over there for HTML or for an address that runs', async () => {
    const [first] = PLAN.items;
    const [part] = first?.parts ?? [];
    if (!first || !part) throw new Error('an item with a part');
    const ours = '<img src=x onerror=alert(1)> [go](javascript:alert(1)) ![x](https://evil.test/p)';
    api.plan = { ...PLAN, items: [{ ...first, parts: [{ ...part, ours }] }] };
    const { container } = open();
    await dryRun();
    expect(container.querySelector('img')).toBeNull();
    expect(within(screen.getByRole('region', { name: 'Preview' })).queryByRole('link')).toBeNull();
    expect(screen.getByText(/onerror=alert/)).toBeTruthy();
  });

  it('is approved by its checksum, and then runs', async () => {
    open();
    await dryRun();
    await press('Export 2 changes');
    expect(await screen.findByRole('progressbar')).toBeTruthy();
    expect(screen.getByText('3 of 12 sent')).toBeTruthy();
    expect(api.sent).toEqual([{ checksum: 'sum_1', archives: false }]);
    // What was approved once is not approved again.
    expect(screen.queryByRole('button', { name: /^Export 2/ })).toBeNull();
  });

  it('that is no longer true is refused, with what is to be done', async () => {
    open();
    await dryRun();
    api.refused = { code: 'unsafe', message: 'The brief changed since.', remedy: 'Dry-run again.' };
    await press('Export 2 changes');
    expect(await screen.findByText('The brief changed since.')).toBeTruthy();
  });

  it('that takes much away needs a second yes, which names how much', async () => {
    const counts = { ...PLAN.counts, archive: 11, writes: 13 };
    api.plan = { ...PLAN, needs_yes: true, counts };
    open();
    await press('Dry-run');
    const button = await screen.findByRole<HTMLButtonElement>('button', {
      name: 'Export 13 changes',
    });
    expect(button.disabled).toBe(true);
    await userEvent.click(screen.getByLabelText(/Yes, archive 11 objects in Growth/));
    await userEvent.click(button);
    await waitFor(() => expect(api.sent).toEqual([{ checksum: 'sum_1', archives: true }]));
  });

  it('of a brief that is there already has nothing to export', async () => {
    const counts = { ...PLAN.counts, create: 0, update: 0, conflict: 0, keep: 3, writes: 0 };
    api.plan = { ...PLAN, counts, items: PLAN.items.slice(2), steps: [] };
    open();
    await press('Dry-run');
    expect(await screen.findByText('nothing to send, 3 unchanged')).toBeTruthy();
    expect(
      screen.getByRole<HTMLButtonElement>('button', { name: 'Nothing to export' }).disabled,
    ).toBe(true);
  });
});

describe('what changed on both sides', () => {
  beforeEach(() => {
    api.targets = [target()];
  });

  it('is decided by part, for what was seen, and planned again', async () => {
    open();
    await dryRun();
    await userEvent.click(screen.getByRole('tab', { name: 'Diff 2' }));
    expect(screen.getByText('“Keep theirs” never deletes your text.')).toBeTruthy();
    const items = within(screen.getByRole('list', { name: 'Objects that differ' }));
    // What waits for a person stands first.
    expect(items.getAllByRole('heading', { level: 4 })[0]?.textContent).toBe('Ask the dealers');
    await press('Keep theirs: Summary of Ask the dealers');
    await waitFor(() => expect(api.asked.filter((one) => one.endsWith('/plan'))).toHaveLength(2));
    expect(api.sent).toEqual([
      {
        parts: [{ key: 'b2', part: 'summary', choice: 'theirs', theirs: 'Ask the dealers twice' }],
        ways: [],
      },
    ]);
  });

  it('an object gone astray is left alone until one of its ways is chosen', async () => {
    const counts = { ...PLAN.counts, conflict: 0, astray: 1, writes: 1 };
    const gone = item({ key: 'b8', change: 'create', standing: 'gone' });
    const astray = item({
      key: 'b9',
      change: 'astray',
      standing: 'archived',
      where: 'the trash',
      ways: ['restore', 'recreate', 'release'],
    });
    api.plan = { ...PLAN, counts, items: [astray, gone] };
    open();
    await press('Dry-run');
    await userEvent.click(await screen.findByRole('tab', { name: 'Diff 2' }));
    expect(screen.getByText(/^1 call that writes/)).toBeTruthy();
    expect(screen.getByText(/Archived over there: the trash\. It is left alone/)).toBeTruthy();
    // That was decided: another is made.
    expect(screen.getByText(/^Deleted over there\.$/)).toBeTruthy();
    await press('Leave it alone: Ask the dealers');
    await waitFor(() =>
      expect(api.sent).toEqual([
        { parts: [], ways: [{ key: 'b9', way: 'release', standing: 'archived' }] },
      ]),
    );
  });
});

describe('an export under way', () => {
  it('is cancelled, and goes on where it stopped', async () => {
    api.targets = [target({ run: run() })];
    open();
    await press('Cancel the export');
    expect(await screen.findByText('Cancelled after 3 of 12')).toBeTruthy();
    await press('Go on where it stopped');
    expect(await screen.findByText('3 of 12 sent')).toBeTruthy();
    expect(api.asked).toContain('POST /api/briefs/brf_1/targets/tgt_1/runs/run_1/resume');
  });

  it('says what needs a word, every call where it is asked for, and that outcomes are looked for', async () => {
    const rest = { message: '', retry_at: null, url: '' };
    const one = { keys: ['b1'], titles: ['Hire a lead'], op: 'create' as const, ...rest };
    const open3: Outcome[] = [
      { ...one, step: 's1', outcome: 'reconciling' },
      { ...one, step: 's2', outcome: 'refused', message: 'No such field.' },
    ];
    api.outcomes = [...open3, { ...one, step: 's3', outcome: 'done' }];
    const until = new Date(2026, 2, 6, 10, 42).toISOString();
    api.targets = [
      target({ run: run({ state: 'reconciling', wait_until: until, outcomes: open3 }) }),
    ];
    const { container } = open();
    expect(await screen.findByText(/Reconciling: .* again at 10:42/)).toBeTruthy();
    expect(screen.getByText('No such field.')).toBeTruthy();
    const calls = () => within(screen.getByRole('list', { name: 'Calls to Growth' }));
    expect(
      calls()
        .getAllByRole('listitem')
        .map(({ textContent }) => textContent),
    ).toEqual(['Create Hire a lead: Reconciling ', 'Create Hire a lead: Needs you No such field.']);
    await press('Every call');
    await waitFor(() => expect(calls().getAllByRole('listitem')).toHaveLength(3));
    await expectAccessible(container);
  });

  it('is followed from another window', async () => {
    api.targets = [target()];
    open();
    await screen.findByText('Up to date');
    api.targets = [target({ run: run({ state: 'done', done: 12 }) })];
    // As the page does when the server tells of an export.
    invalidate('/api/briefs/brf_1/targets');
    await screen.findByText('Up to date');
    api.targets = [target({ run: run() })];
    invalidate('/api/briefs/brf_1/targets');
    expect(await screen.findByText('3 of 12 sent')).toBeTruthy();
  });
});

describe('what was made', () => {
  it('is listed with links, how it stands, and a status that can be taken over', async () => {
    const set: unknown[] = [];
    setBriefPort({
      setStatus: (...what: unknown[]) => set.push(what) > 0,
    } as unknown as BriefPort);
    api.targets = [target()];
    api.ledger = [
      {
        key: 'b2',
        kind: 'issue',
        title: 'Ask the dealers',
        url: 'https://acme.atlassian.net/browse/GRO-2',
        standing: 'live',
        drift: [{ part: 'status', label: 'Status', theirs: 'Finished' }],
        status: 'done',
        stale: true,
      },
    ];
    const { container } = open();
    await press('More about Growth');
    await userEvent.click(await screen.findByRole('menuitem', { name: 'What was made there' }));
    const link = await screen.findByRole('link', { name: /Ask the dealers over there/ });
    expect(link.getAttribute('href')).toBe('https://acme.atlassian.net/browse/GRO-2');
    expect(screen.getByText(/It rests on evidence/)).toBeTruthy();
    await press('Take over “Done” from Jira');
    expect(set).toEqual([['b2', 'done']]);
    await expectAccessible(container);
    await userEvent.keyboard('{Escape}');
    expect(await screen.findByRole('button', { name: 'Dry-run' })).toBeTruthy();
  });
});
