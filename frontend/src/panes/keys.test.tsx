import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { forgetAll } from '../api';
import { getPlace, go, setSync } from '../desk';
import { ChecksPane } from './checks';
import { fakeApi } from './fake-api';

beforeEach(() => {
  vi.stubGlobal('fetch', fakeApi().fetch);
  forgetAll();
  setSync({ connection: 'live', unsynced: 0, reachable: true });
  go({ space: 'spc_1', brief: 'brf_1', left: 'ask', right: 'ship', sel: null });
});

afterEach(() => vi.unstubAllGlobals());

it('leads to the next unresolved claim, and to its card, from any tab', async () => {
  render(<ChecksPane space="spc_1" brief="brf_1" />);
  await screen.findByRole('tab', { name: 'Claims 2' });
  await userEvent.keyboard('{F8}');
  const chosen = getPlace();
  expect(chosen).toMatchObject({ right: 'claims', sel: { kind: 'claim' } });
  go({ right: 'ship' });
  await userEvent.keyboard('{Control>}.{/Control}');
  await waitFor(() =>
    expect(document.activeElement?.getAttribute('data-claim')).toBe(
      chosen.sel?.kind === 'claim' ? chosen.sel.id : '',
    ),
  );
});
