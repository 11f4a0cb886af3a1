import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';

import { useCommands } from './commands';

function Page({ run }: { run: () => void }) {
  useCommands([{ id: 'a', group: 'G', label: 'Accept', keys: 'Alt+Enter', yields: true, run }]);
  return (
    <>
      <input aria-label="Words" />
      <button type="button">Row</button>
    </>
  );
}

it('leaves a key that yields to the field one is writing in', async () => {
  let ran = 0;
  render(<Page run={() => (ran += 1)} />);
  screen.getByLabelText('Words').focus();
  await userEvent.keyboard('{Alt>}{Enter}{/Alt}');
  expect(ran).toBe(0);
  screen.getByRole('button').focus();
  await userEvent.keyboard('{Alt>}{Enter}{/Alt}');
  expect(ran).toBe(1);
});
