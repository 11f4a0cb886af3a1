import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { clear, forgetDrafts } from '../answers';
import { forgetAll } from '../api';
import { type BriefPort, type CitedSentence, getPlace, go, setBriefPort, setSync } from '../desk';
import { ChecksPane } from './checks';
import { EvidencePane } from './evidence';
import {
  ANSWER,
  corrected,
  DECLINED,
  type FakeApi,
  fakeApi,
  HIT,
  QUOTE,
  VERSION,
} from './fake-api';

const QUESTIONS = ['How fast did it grow?', 'What do they charge?', 'Who complains?'];

let api: FakeApi;
let inserted: (CitedSentence | string)[];

const port: BriefPort = {
  insertSentences: (sentences) => inserted.push(...sentences),
  suggestSentences: (sentences, author) => inserted.push(...sentences, `suggested by ${author}`),
  insertCitation: (cite) => inserted.push(cite),
  replaceCitation: (from, to) => inserted.push(`${from} -> ${to}`),
  citeSentence: (block, _sentence, cite) => {
    inserted.push(`${block}: ${cite}`);
    return true;
  },
  setStatus: () => true,
  restore: () => Promise.resolve({ touched: 0, saved: true }),
  focus: () => undefined,
};

beforeEach(() => {
  api = fakeApi();
  inserted = [];
  vi.stubGlobal('fetch', api.fetch);
  forgetAll();
  clear('spc_1');
  forgetDrafts();
  setBriefPort(port);
  setSync({ connection: 'live', unsynced: 0, reachable: true });
  go({ space: 'spc_1', brief: 'brf_1', left: 'ask', right: 'claims', sel: null });
});

afterEach(() => {
  setBriefPort(null);
  vi.unstubAllGlobals();
});

function evidence() {
  return render(
    <main>
      <EvidencePane space="spc_1" brief="brf_1" questions={QUESTIONS} />
    </main>,
  );
}

function checks() {
  return render(
    <main>
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

async function ask(question = 'How fast?') {
  await userEvent.type(screen.getByLabelText('Question'), question);
  await userEvent.keyboard('{Control>}{Enter}{/Control}');
}

describe('asking', () => {
  it('shows three questions to begin with, accessibly', async () => {
    const { container } = evidence();
    await screen.findByText(/every sentence is cited/);
    expect(screen.getAllByRole('button', { name: /\?$/ })).toHaveLength(3);
    await expectAccessible(container);
  });

  it('shows the answer with its chip, names the failed leg, and inserts with the citation', async () => {
    const { container } = evidence();
    await ask();
    expect(await screen.findByText(/dense index down: bm25 only/)).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Citation 1: study.pdf, page 14' })).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: /Insert whole answer/ }));
    expect(inserted).toEqual([{ text: 'Revenue grew 12 % in 2025.', cites: ['cit_1'] }]);
    await expectAccessible(container);
  });

  it('says what a misspelt word was taken for, and asks again as written', async () => {
    api.answer = corrected(ANSWER);
    const { container } = evidence();
    await ask('How fsat?');
    await screen.findAllByText('No passage holds “fsat”; “fast” was searched for, too.');
    await expectAccessible(container);
    api.answer = ANSWER;
    await userEvent.click(screen.getByRole('button', { name: 'Search only as written' }));
    await waitFor(() => expect(screen.queryByText(/was searched for, too/)).toBeNull());
    expect(screen.getByLabelText<HTMLTextAreaElement>('Question').value).toBe('How "fsat"?');
  });

  it('puts the answer in as a suggestion of StratMaster, with its citation', async () => {
    evidence();
    await ask();
    await userEvent.click(await screen.findByRole('button', { name: 'Suggest it' }));
    expect(inserted).toEqual([
      { text: 'Revenue grew 12 % in 2025.', cites: ['cit_1'] },
      'suggested by StratMaster',
    ]);
  });

  it('inserts the sentence that has the focus with Mod+Enter', async () => {
    evidence();
    await ask();
    const sentence = (await screen.findByText('Revenue grew 12 % in 2025.')).closest('li');
    sentence?.focus();
    await userEvent.keyboard('{Control>}{Enter}{/Control}');
    expect(inserted).toHaveLength(1);
  });

  it('offers nothing to insert when the evidence is not enough, and shows what came nearest', async () => {
    api.answer = DECLINED;
    const { container } = evidence();
    await ask();
    expect(await screen.findByText('Not enough evidence')).toBeTruthy();
    expect(screen.getByText(/1 source, 61 passages, by BM25 \(exact words\)/)).toBeTruthy();
    expect(screen.getByText(HIT.passage.text)).toBeTruthy();
    expect(screen.queryByRole('button', { name: /Insert/ })).toBeNull();
    await expectAccessible(container);
  });

  it('tells a filter that cannot be read at the field, and keeps the answer before it', async () => {
    const { container } = evidence();
    await ask();
    await screen.findByText('Revenue grew 12 % in 2025.');
    api.refused = {
      code: 'bad_query',
      message: 'after:soon names no date.',
      remedy: 'Write it as after:2024-03-31.',
    };
    const field = screen.getByLabelText('Question');
    await ask(' after:soon');
    await screen.findByText(/after:soon names no date\. Write it as/);
    expect(field.getAttribute('aria-invalid')).toBe('true');
    expect(screen.getByText('Revenue grew 12 % in 2025.')).toBeTruthy();
    await expectAccessible(container);
    await userEvent.type(field, '-no');
    expect(field.getAttribute('aria-invalid')).toBe('false');
  });

  it('explains quotes and filters on demand', async () => {
    const { container } = evidence();
    const help = await screen.findByRole('button', { name: 'Quotes and filters' });
    expect(screen.queryByText('title:minutes')).toBeNull();
    await userEvent.click(help);
    expect(screen.getByText('title:minutes')).toBeTruthy();
    expect(help.getAttribute('aria-expanded')).toBe('true');
    await expectAccessible(container);
  });

  it('names the other places of a wording, and opens them', async () => {
    const place = { ...HIT.passage, passage: 'src_2.00.1', source_title: 'Report v2', page: 4 };
    const places = ['src_2', 'src_3', 'src_4'].map((source, n) => ({
      ...place,
      source,
      passage: `${source}.00.1`,
      source_title: n === 0 ? 'Report v2' : `Copy ${n}`,
    }));
    const hit = { ...HIT, elsewhere: places, reranked: { score: 0.9, before: 5 } };
    api.answer = DECLINED.map((event) =>
      event.type === 'declined' ? { ...event, nearest: [hit] } : event,
    );
    const { container } = evidence();
    await ask();
    await screen.findByText(/was #5/);
    expect(screen.queryByText('Copy 2, p. 4')).toBeNull();
    await userEvent.click(screen.getByRole('button', { name: '2 more places' }));
    expect(screen.getByText('Copy 2, p. 4')).toBeTruthy();
    await expectAccessible(container);
    await userEvent.click(screen.getByRole('button', { name: 'Report v2, p. 4' }));
    expect(getPlace()).toMatchObject({ left: 'reader', sel: { kind: 'at', source: 'src_2' } });
  });

  it('says when an answer broke off', async () => {
    api.answer = api.answer.slice(0, 3);
    evidence();
    await ask();
    expect(await screen.findByText(/broke off before it was finished/)).toBeTruthy();
  });
});

describe('the reader', () => {
  it('marks exactly the quote and says why it was found', async () => {
    const { container } = evidence();
    await ask();
    await userEvent.click(await screen.findByRole('button', { name: /Citation 1/ }));
    await waitFor(() => expect(container.querySelector('mark')?.textContent).toBe(QUOTE));
    expect(getPlace()).toMatchObject({ left: 'reader', sel: { kind: 'cite', id: 'cit_1' } });
    expect(screen.getByText(/bm25 #2 · dense #1/)).toBeTruthy();
    await userEvent.click(screen.getByText(/Why this passage/));
    const paths = await screen.findByRole('list', { name: 'Paths of the graph' });
    expect(within(paths).getByText('Acme — co-occurs with → Bolt, 1 passage')).toBeTruthy();
    await expectAccessible(container);
  });

  it('marks nothing where the quote cannot be placed, and says so', async () => {
    api.reading = { ...api.reading, placed: false };
    go({ left: 'reader', sel: { kind: 'cite', id: 'cit_1' } });
    const { container } = evidence();
    expect(await screen.findByText('The quote could not be placed')).toBeTruthy();
    expect(container.querySelector('mark')).toBeNull();
  });

  it('says why a place was not found by the question that stands', async () => {
    const { container } = evidence();
    await ask();
    await screen.findByText('Revenue grew 12 % in 2025.');
    go({
      left: 'reader',
      sel: { kind: 'at', source: 'src_9', version: VERSION, start: 6, end: 9 },
    });
    await userEvent.click(await screen.findByRole('button', { name: 'Why not found?' }));
    const why = await screen.findByRole('region', { name: 'Why this was not found' });
    expect(await within(why).findByText(/It ranks 9 after fusion; 1 are shown/)).toBeTruthy();
    expect(within(why).getByText(/^rank\s140, below the first 100$/)).toBeTruthy();
    expect(within(why).getByText('not asked: gone')).toBeTruthy();
    expect(api.asked).toContain(
      `GET /api/spaces/spc_1/search/why-not?q=How+fast%3F&at=src_9.${VERSION}.6-9&limit=1`,
    );
    await expectAccessible(container);
    await userEvent.click(within(why).getByRole('button', { name: 'Close the reason' }));
    expect(screen.queryByRole('region', { name: 'Why this was not found' })).toBeNull();

    api.whyNot = { ...api.whyNot, reason: 'collapsed', within: HIT.passage.id, legs: [] };
    await userEvent.click(screen.getByRole('button', { name: 'Why not found?' }));
    expect(await screen.findByText(/the same as passage 1, study\.pdf, p\. 14/)).toBeTruthy();
  });

  it('cites what is highlighted without making a second record of it', async () => {
    go({ left: 'reader', sel: { kind: 'cite', id: 'cit_1' } });
    evidence();
    await userEvent.click(await screen.findByRole('button', { name: 'Cite this' }));
    expect(inserted).toEqual(['cit_1']);
    expect(api.asked).not.toContain('POST /api/evidence');
  });
});

describe('sources', () => {
  it('counts what is searchable and names what failed with the way out', async () => {
    go({ left: 'sources' });
    const { container } = evidence();
    expect(await screen.findByText('1 of 2 sources searchable · 1 failed')).toBeTruthy();
    expect(screen.getByText('Save it without the password and add it again.')).toBeTruthy();
    await expectAccessible(container);
  });

  it('says which briefs cite a source before it is deleted', async () => {
    go({ left: 'sources' });
    evidence();
    await userEvent.click(await screen.findByRole('button', { name: 'Delete study.pdf…' }));
    const dialog = await screen.findByRole('alertdialog');
    expect(within(dialog).getByText('Q3 market entry (1 claim)')).toBeTruthy();
    expect(api.asked.some((line) => line.startsWith('DELETE'))).toBe(false);
    await userEvent.click(within(dialog).getByRole('button', { name: 'Delete the source' }));
    expect(api.asked).toContain('DELETE /api/sources/src_1');
  });
});

describe('claims', () => {
  it('tells how far a long check has come, and keeps what it reached when it is cancelled', async () => {
    let say: (text: string) => void = () => undefined;
    api.check = new ReadableStream({
      start(controller) {
        say = (text) => controller.enqueue(new TextEncoder().encode(text));
      },
    });
    const { container } = checks();
    say('event: progress\ndata: {"done": 6, "total": 41}\n\n');
    expect(await screen.findByText('checking 7 of 41')).toBeTruthy();
    await expectAccessible(container);

    api.report = { ...api.report, unchecked: 39 };
    await userEvent.click(screen.getByRole('button', { name: 'Cancel' }));
    expect(await screen.findByText(/39 claims not checked yet/)).toBeTruthy();
    expect(api.asked).toContain('GET /api/briefs/brf_1/claims?standing=true');
    expect(await screen.findByText('We lead the market.')).toBeTruthy();

    api.check = null;
    api.report = { ...api.report, unchecked: 0 };
    await userEvent.click(screen.getByRole('button', { name: 'Check the rest' }));
    await waitFor(() => expect(screen.queryByText(/not checked yet/)).toBeNull());
  });

  it('lists them with verdict and coverage, accessibly', async () => {
    const { container } = checks();
    expect(await screen.findByText('coverage 1/2 · 1 without evidence')).toBeTruthy();
    await expectAccessible(container);
  });

  it('go round with F8, and F8 selects for all panes', async () => {
    checks();
    await screen.findByText('We lead the market.');
    await userEvent.keyboard('{F8}');
    expect(getPlace().sel).toEqual({ kind: 'claim', id: 'h1' });
  });

  it('find evidence and cite it in the sentence with one click', async () => {
    checks();
    await userEvent.click(await screen.findByText('We lead the market.'));
    await userEvent.click(screen.getByRole('button', { name: 'Find evidence' }));
    await userEvent.click(await screen.findByRole('button', { name: 'Cite' }));
    await waitFor(() => expect(inserted).toEqual(['b1: cit_new']));
    // The server is asked for what in the passage carries this very claim.
    expect(api.cited).toMatchObject([
      { source: HIT.passage.source, start: HIT.passage.start, text: 'We lead the market.' },
    ]);
  });

  it('are dated while the server is away, and their actions wait', async () => {
    setSync({ reachable: false });
    checks();
    await userEvent.click(await screen.findByText('We lead the market.'));
    expect(screen.getByText(/^as of \d\d:\d\d$/)).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Re-check' })).toHaveProperty('disabled', true);
  });
});

describe('shipping', () => {
  it('names the claims without support and may be done when all is saved', async () => {
    go({ right: 'ship' });
    const { container } = checks();
    expect(await screen.findByText('1 claim would leave without full support')).toBeTruthy();
    for (const button of screen.getAllByRole('button', { name: /^Download/ })) {
      expect(button).toHaveProperty('disabled', false);
    }
    await expectAccessible(container);
  });

  it('waits with its reason while changes are unsaved', async () => {
    setSync({ unsynced: 2 });
    go({ right: 'ship' });
    checks();
    expect(await screen.findByText(/2 changes not saved yet/)).toBeTruthy();
    for (const button of screen.getAllByRole('button', { name: /^Download/ })) {
      expect(button).toHaveProperty('disabled', true);
    }
  });
});
