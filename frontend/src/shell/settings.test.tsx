import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { forgetAll, type Space } from '../api';
import { type FakeApi, fakeApi } from '../panes/fake-api';
import { SpaceSettings } from './SpaceSettings';

const SPACE: Space = {
  id: 'spc_1',
  name: 'Halden',
  role: 'admin',
  sources: 1,
  passages: 61,
  briefs: 1,
  sample: false,
  questions: [],
};

let api: FakeApi;
let open: boolean;

beforeEach(() => {
  api = fakeApi();
  open = true;
  vi.stubGlobal('fetch', api.fetch);
  forgetAll();
  render(<SpaceSettings space={SPACE} open onOpenChange={(next) => (open = next)} />);
});

afterEach(() => vi.unstubAllGlobals());

it('sends what was changed of the fusion, and leaves out the weights that are 1', async () => {
  const dense = await screen.findByLabelText(/dense/);
  expect(dense).toHaveProperty('value', '2');
  await userEvent.clear(dense);
  expect(screen.getByRole('button', { name: 'Save' })).toHaveProperty('disabled', true);
  await userEvent.type(dense, '1');
  await userEvent.clear(screen.getByLabelText(/BM25/));
  await userEvent.type(screen.getByLabelText(/BM25/), '0.5');
  await userEvent.click(screen.getByLabelText(/By score/));
  await userEvent.click(screen.getByRole('button', { name: 'Save' }));
  await waitFor(() => expect(open).toBe(false));
  expect(api.settings).toEqual([{ fusion: { kind: 'min_max', k: 30, weights: { bm25: 0.5 } } }]);
});

it('goes back to the default, which is sent as such', async () => {
  await userEvent.click(await screen.findByRole('button', { name: 'Reset to the default' }));
  expect(screen.getByLabelText(/^k/)).toHaveProperty('value', '5');
  await userEvent.click(screen.getByRole('button', { name: 'Save' }));
  await waitFor(() => expect(api.settings).toEqual([{ fusion: null }]));
});
