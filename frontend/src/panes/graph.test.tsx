import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { clear } from '../answers';
import { type Communities, type Extraction, forgetAll, type Graph, type Quoted } from '../api';
import { getPlace, go } from '../desk';
import { forgetShown } from '../graph';
import { EvidencePane } from './evidence';
import { SOURCES } from './fake-api';

const QUOTE: Quoted = {
  passage: 'src_1.abababababab.00001',
  source: 'src_1',
  source_title: 'study.pdf',
  version: 'ab'.repeat(32),
  page: 14,
  start: 6,
  end: 27,
  quote: 'Acme acquired Bolt.',
};

const GRAPH: Graph = {
  about: 'space',
  text: '',
  entities: [
    { key: 'acme', name: 'Acme', passages: 3, asked: false },
    { key: 'bolt', name: 'Bolt', passages: 2, asked: false },
    { key: 'crane', name: 'Crane', passages: 1, asked: false },
  ],
  relations: [
    {
      subject: 'acme',
      predicate: 'acquired',
      object: 'bolt',
      directed: true,
      passages: 2,
      text: 'Acme — acquired → Bolt, 2 passages',
      support: [QUOTE],
    },
    {
      subject: 'acme',
      predicate: 'co-occurs with',
      object: 'crane',
      directed: false,
      passages: 1,
      text: 'Acme — co-occurs with → Crane, 1 passage',
      support: [],
    },
  ],
  paths: [],
  whole: true,
};

const COMMUNITIES: Communities = {
  communities: [
    {
      id: 'c1',
      entities: GRAPH.entities.map(({ key, name, passages }) => ({ key, name, passages })),
      size: 5,
      passages: 3,
      quotes: [QUOTE],
    },
  ],
  total: 1,
  offset: 0,
  read: 10,
  of: 40,
};

const NOT_READ: Extraction = {
  model: 'tiny',
  message: '',
  remedy: '',
  estimate: {
    passages: 6,
    kept: 0,
    prompt_tokens: 1500,
    completion_tokens: 500,
    cost_usd: null,
    minutes: null,
  },
  run: null,
};

const READING: Extraction = {
  ...NOT_READ,
  run: {
    id: 'ext_1',
    model: 'tiny',
    state: 'paused',
    reason: { code: 'budget', message: 'The budget is used up.', remedy: 'Give it a larger one.' },
    budget_usd: null,
    budget_tokens: 100,
    created_at: '2026-01-01T10:00:00Z',
    updated_at: '2026-01-01T10:00:00Z',
    passages: 2,
    failed: 0,
    facts: 3,
    dropped: 1,
    prompt_tokens: 200,
    completion_tokens: 40,
    cost_usd: 0,
    unpriced: 2,
  },
};

let extraction: Extraction;
let sent: string[];
let asked: string[];
let graph: Graph | null;

beforeEach(() => {
  asked = [];
  graph = GRAPH;
  forgetAll();
  forgetShown();
  clear('spc_1');
  extraction = NOT_READ;
  sent = [];
  vi.stubGlobal('fetch', (input: string, init?: RequestInit) => {
    asked.push(input);
    if (input.includes('/extraction')) {
      if (init?.method === 'POST') {
        sent.push(
          `${input.split('/graph')[1] ?? ''} ${typeof init.body === 'string' ? init.body : ''}`.trim(),
        );
        extraction = READING;
      }
      return Promise.resolve(Response.json(extraction));
    }
    if (input.endsWith('/sources')) return Promise.resolve(Response.json(SOURCES));
    if (input.includes('/communities')) return Promise.resolve(Response.json(COMMUNITIES));
    if (input.includes('entity=Nobody')) {
      return Promise.resolve(Response.json({ ...GRAPH, entities: [], relations: [] }));
    }
    if (input.includes('/graph') && graph) {
      const entities = graph.entities.map((one) => ({
        ...one,
        asked: input.includes(`entity=${one.name}`),
      }));
      return Promise.resolve(Response.json({ ...graph, entities }));
    }
    const error = { code: 'graph_off', message: 'There is no graph.', remedy: 'Set GRAPH_URL.' };
    return Promise.resolve(Response.json({ error }, { status: 503 }));
  });
  go({ space: 'spc_1', brief: 'brf_1', left: 'graph', right: 'claims', sel: null });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

function open() {
  return render(
    <main>
      <EvidencePane space="spc_1" brief="brf_1" questions={[]} />
    </main>,
  );
}

describe('the graph', () => {
  it('tells in text who keeps company and who stands to whom, accessibly', async () => {
    const { container } = open();
    await screen.findByRole('heading', { name: 'Who keeps company' });
    expect(await screen.findByText(/10 of 40 passages/)).toBeTruthy();
    expect(screen.getByRole('button', { name: /Acme —?acquired→? Bolt, 2 passages/ })).toBeTruthy();
    const { violations } = await axe.run(container, {
      rules: { 'color-contrast': { enabled: false } },
    });
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html).join()}`)).toEqual(
      [],
    );
  });

  it('lists the passages of a relation, and opens one where it stands', async () => {
    open();
    await userEvent.click(await screen.findByRole('button', { name: /acquired.*passages/ }));
    expect(screen.getByText('and 1 passage more')).toBeTruthy();
    const list = screen.getByRole('button', { name: /acquired.*passages/ }).closest('li');
    await userEvent.click(within(list as HTMLElement).getByRole('button', { name: /study\.pdf/ }));
    expect(getPlace().left).toBe('reader');
    expect(getPlace().sel).toMatchObject({ kind: 'at', source: 'src_1', start: 6, end: 27 });
  });

  it('looks a name up, draws it, and goes from name to name by arrow keys', async () => {
    open();
    await userEvent.type(await screen.findByLabelText('Name to look up'), 'Crane{Enter}');
    await screen.findByRole('heading', { name: 'What is stated of it' });
    expect(asked).toContain('/api/spaces/spc_1/graph?entity=Crane');
    // Without a direction, the name looked up stands first.
    expect(screen.getByRole('button', { name: /^Crane .*co-occurs with.* Acme/ })).toBeTruthy();
    const drawing = await screen.findByTestId('graph-drawing');
    const names = within(drawing).getAllByRole('button', { hidden: true });
    expect(names.filter((one) => one.getAttribute('tabindex') === '0')).toHaveLength(1);
    const first = names.find((one) => one.getAttribute('tabindex') === '0');
    first?.focus();
    await userEvent.keyboard('{Enter}');
    await waitFor(() => expect(asked).toContain('/api/spaces/spc_1/graph?entity=Acme'));
  });

  it('says so where nobody is called that, and where there is no graph', async () => {
    const { unmount } = open();
    await userEvent.type(await screen.findByLabelText('Name to look up'), 'Nobody{Enter}');
    expect(await screen.findByText('No “Nobody” here')).toBeTruthy();
    unmount();
    forgetAll();
    forgetShown();
    graph = null;
    open();
    expect(await screen.findByText('There is no graph.')).toBeTruthy();
    expect(screen.getByText('Set GRAPH_URL.')).toBeTruthy();
    graph = GRAPH;
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByRole('heading', { name: 'Who stands to whom' })).toBeTruthy();
  });

  it('tells what reading by a model would take, holds it to a budget, and why it paused', async () => {
    open();
    await userEvent.click(await screen.findByText('Facts read by a model: none yet'));
    expect(
      screen.getByText(/6 passages · ~2,000 tokens · cost unknown · time unknown/),
    ).toBeTruthy();
    await userEvent.type(screen.getByLabelText('Budget in tokens'), '100');
    await userEvent.click(screen.getByRole('button', { name: 'Read with tiny' }));
    expect(await screen.findByText('The budget is used up.')).toBeTruthy();
    expect(screen.getByText(/3 facts found, 1 not borne out/)).toBeTruthy();
    await userEvent.type(screen.getByLabelText('Budget in tokens'), '900');
    await userEvent.click(screen.getByRole('button', { name: 'Resume' }));
    expect(sent).toEqual([
      '/extraction {"budget_tokens":100}',
      '/extraction/resume {"budget_tokens":900}',
    ]);
  });

  it('says how to set a model where there is none', async () => {
    extraction = {
      ...NOT_READ,
      model: null,
      estimate: null,
      message: 'It needs a model.',
      remedy: 'Set MODEL_URL.',
    };
    open();
    await userEvent.click(await screen.findByText('Facts read by a model: none yet'));
    expect(screen.getByText('It needs a model.')).toBeTruthy();
    expect(screen.getByText('Set MODEL_URL.')).toBeTruthy();
  });
});
