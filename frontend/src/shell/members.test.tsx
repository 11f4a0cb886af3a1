import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { forgetAll, type Member, type Space } from '../api';
import { Members } from './Members';

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

let members: Member[];
let asked: string[];

/** Members as the server keeps them: by name, and never without an admin. */
function respond(input: RequestInfo | URL, init?: RequestInit): Response {
  const path = decodeURIComponent(
    new URL(input instanceof Request ? input.url : String(input), 'http://localhost').pathname,
  );
  const method = init?.method ?? 'GET';
  asked.push(`${method} ${path}`);
  const subject = path.replace(/^\/api\/spaces\/spc_1\/members\/?/, '');
  if (method === 'GET') return Response.json(members);
  const others = members.filter((member) => member.subject !== subject);
  const role =
    typeof init?.body === 'string' ? (JSON.parse(init.body) as Pick<Member, 'role'>).role : null;
  if (role !== 'admin' && !others.some((member) => member.role === 'admin')) {
    const error = { code: 'last_admin', message: `'${subject}' is the only admin.`, remedy: '' };
    return Response.json({ error }, { status: 409 });
  }
  members = role ? [...others, { subject, role, you: false }] : others;
  members.sort((one, other) => one.subject.localeCompare(other.subject));
  return role ? Response.json({ subject, role, you: false }) : new Response(null, { status: 204 });
}

function show(space: Space = SPACE): void {
  render(<Members space={space} open onOpenChange={() => undefined} />);
}

beforeEach(() => {
  asked = [];
  members = [
    { subject: 'vera', role: 'viewer', you: false },
    { subject: 'you', role: 'admin', you: true },
  ];
  vi.stubGlobal('fetch', (input: RequestInfo | URL, init?: RequestInit) =>
    Promise.resolve(respond(input, init)),
  );
  forgetAll();
});

afterEach(() => vi.unstubAllGlobals());

it('adds somebody under a role, and nobody twice', async () => {
  show();
  const name = await screen.findByLabelText('Add somebody');
  await userEvent.type(name, 'vera');
  expect(screen.getByRole('button', { name: 'Add' })).toHaveProperty('disabled', true);
  await userEvent.clear(name);
  await userEvent.type(name, ' oidc|a/b ');
  await userEvent.selectOptions(screen.getByLabelText('Role of whom you add'), 'commenter');
  await userEvent.click(screen.getByRole('button', { name: 'Add' }));
  expect(await screen.findByLabelText('Role of oidc|a/b')).toHaveProperty('value', 'commenter');
  expect(asked).toContain('PUT /api/spaces/spc_1/members/oidc|a/b');
  expect(name).toHaveProperty('value', '');
});

it('changes a role', async () => {
  show();
  await userEvent.selectOptions(await screen.findByLabelText('Role of vera'), 'analyst');
  await waitFor(() => expect(members[0]?.role).toBe('analyst'));
  expect(screen.getByLabelText('Role of vera')).toHaveProperty('value', 'analyst');
});

it('removes somebody only once it is confirmed', async () => {
  show();
  await userEvent.click(await screen.findByRole('button', { name: 'Remove vera' }));
  await userEvent.click(screen.getByRole('button', { name: 'Keep it' }));
  expect(members).toHaveLength(2);
  await userEvent.click(screen.getByRole('button', { name: 'Remove vera' }));
  const asking = screen.getByRole('alertdialog');
  await userEvent.click(within(asking).getByRole('button', { name: 'Remove' }));
  await waitFor(() => expect(screen.queryByLabelText('Role of vera')).toBeNull());
});

it('says why the last admin stays, and shows the role that still holds', async () => {
  show();
  await userEvent.selectOptions(await screen.findByLabelText('Role of you'), 'viewer');
  expect(await screen.findByText(/is the only admin/)).toBeTruthy();
  expect(screen.getByLabelText('Role of you')).toHaveProperty('value', 'admin');
});

it('shows who is there to those who may not change it', async () => {
  show({ ...SPACE, role: 'viewer' });
  expect(await screen.findByText('vera')).toBeTruthy();
  expect(screen.queryByRole('button', { name: 'Remove vera' })).toBeNull();
  expect(screen.queryByLabelText('Add somebody')).toBeNull();
});
