import { fireEvent, render, screen } from '@testing-library/react';
import { useState } from 'react';
import { expect, it } from 'vitest';
import * as Y from 'yjs';

import { Title } from './brief/Title';

function Suggesting({ text }: { text: Y.Text }) {
  const [editing, setEditing] = useState(false);
  return (
    <Title
      text={text}
      editable={editing}
      onDone={() => undefined}
      onEdit={editing ? undefined : () => setEditing(true)}
    />
  );
}

it('says why it takes no suggestion, and is edited from there', () => {
  const text = new Y.Doc().getText('title');
  text.insert(0, 'Market entry');
  render(<Suggesting text={text} />);
  const title = screen.getByLabelText<HTMLTextAreaElement>('Title of the brief');
  expect(title.readOnly).toBe(true);
  const why = document.getElementById(title.getAttribute('aria-describedby') ?? '');
  expect(why?.textContent).toContain('The title takes no suggestions.');

  fireEvent.click(screen.getByText('Edit it'));
  expect(document.activeElement).toBe(title);
  expect(title.readOnly).toBe(false);
  expect(screen.queryByText('Edit it')).toBeNull();
  fireEvent.change(title, { target: { value: 'Market entry, Austria' } });
  expect(text.toJSON()).toBe('Market entry, Austria');
});
