import { UserMinus } from 'lucide-react';
import { useId, useState } from 'react';

import { asProblem, type Member, type Role, refetch, send, type Space, useResource } from '../api';
import { announce } from '../desk';
import { IconButton } from '../ui/Button';
import { Confirm, Dialog } from '../ui/Dialog';
import { Input } from '../ui/Field';
import { Form } from '../ui/Form';
import { ProblemNotice, type ProblemNoticeProps } from '../ui/ProblemNotice';

/** Each may all that the one before it may. */
const ROLES: readonly { role: Role; says: string }[] = [
  { role: 'viewer', says: 'reads' },
  { role: 'commenter', says: 'reads and comments' },
  { role: 'analyst', says: 'edits, asks, adds sources' },
  { role: 'admin', says: 'everything, members too' },
];

interface MembersProps {
  space: Space;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** Who is in a space, and as what. */
export function Members({ space, open, onOpenChange }: MembersProps) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Members of “${space.name}”`}
      description="Who is taken out, or may do less, notices within two seconds. What they had typed stays in their page."
    >
      {open && <Loaded space={space} />}
    </Dialog>
  );
}

function Loaded({ space }: { space: Space }) {
  const path = `/api/spaces/${space.id}/members`;
  const { data, error } = useResource<Member[]>(path);
  if (!data) {
    return error ? (
      <ProblemNotice problem={asProblem(error)} />
    ) : (
      <p className="working text-[13px] text-muted" role="status">
        reading the members…
      </p>
    );
  }
  return <List path={path} space={space} members={data} />;
}

function List({ path, space, members }: { path: string; space: Space; members: Member[] }) {
  const [problem, setProblem] = useState<ProblemNoticeProps['problem'] | null>(null);
  const [busy, setBusy] = useState<string | null>(null);
  const [leaving, setLeaving] = useState<Member | null>(null);
  const manages = space.role === 'admin';
  const at = (subject: string) => `${path}/${encodeURIComponent(subject)}`;
  const act = async (subject: string, doing: () => Promise<unknown>, done: string) => {
    setBusy(subject);
    setProblem(null);
    try {
      await doing();
      announce(done);
    } catch (error) {
      const told = asProblem(error);
      setProblem(told);
      announce(told.message);
    } finally {
      await refetch(path);
      setBusy(null);
    }
  };
  const change = (subject: string, role: Role) =>
    act(
      subject,
      () => send<Member>('PUT', at(subject), { role }),
      `${subject} is ${called(role)} now.`,
    );
  return (
    <div className="flex flex-col gap-4">
      <ul className="divide-y divide-border rounded-md border border-border" aria-label="Members">
        {members.map((member) => (
          <li key={member.subject} className="flex min-h-10 items-center gap-2 px-2.5 py-1">
            <span className="min-w-0 flex-1 truncate text-[13px]" title={member.subject}>
              {member.subject}
              {member.you && <span className="text-muted"> (you)</span>}
            </span>
            {manages ? (
              <>
                <RolePicker
                  label={`Role of ${member.subject}`}
                  value={member.role}
                  disabled={busy !== null}
                  onChange={(role) => void change(member.subject, role)}
                />
                <IconButton
                  label={`Remove ${member.subject}`}
                  disabled={busy !== null}
                  onClick={() => setLeaving(member)}
                >
                  <UserMinus aria-hidden />
                </IconButton>
              </>
            ) : (
              <span className="text-xs text-muted">{member.role}</span>
            )}
          </li>
        ))}
      </ul>
      {members.length === 0 && (
        <p className="text-[13px] text-muted">Nobody is a member; admins see it all the same.</p>
      )}
      {problem && <ProblemNotice problem={problem} />}
      {manages ? (
        <Add
          taken={members.map((member) => member.subject)}
          onAdd={async (subject, role) => {
            await send<Member>('PUT', at(subject), { role });
            await refetch(path);
            announce(`${subject} is ${called(role)} now.`);
          }}
        />
      ) : (
        <p className="text-xs text-muted">Only an admin of the space may change who is in it.</p>
      )}
      <Confirm
        open={leaving !== null}
        onOpenChange={(next) => !next && setLeaving(null)}
        title={`Remove ${leaving?.subject ?? ''} from “${space.name}”?`}
        action="Remove"
        onConfirm={() => {
          if (!leaving) return;
          const { subject } = leaving;
          setLeaving(null);
          void act(subject, () => send('DELETE', at(subject)), `${subject} was removed.`);
        }}
      >
        {leaving?.you
          ? 'You will no longer see this space, unless you are an admin of the organisation.'
          : 'What they have open of it closes. What they wrote stays; what was not saved yet stays in their page.'}
      </Confirm>
    </div>
  );
}

function called(role: Role): string {
  return /^[aeiou]/.test(role) ? `an ${role}` : `a ${role}`;
}

interface AddProps {
  taken: readonly string[];
  onAdd: (subject: string, role: Role) => Promise<void>;
}

function Add({ taken, onAdd }: AddProps) {
  const [subject, setSubject] = useState('');
  const [role, setRole] = useState<Role>('analyst');
  const note = useId();
  const name = subject.trim();
  const already = taken.includes(name);
  return (
    <Form
      action="Add"
      ready={name !== '' && !already}
      explain={asProblem}
      onSubmit={async () => {
        await onAdd(name, role);
        setSubject('');
      }}
    >
      <div className="flex flex-wrap items-end gap-2">
        <label className="min-w-48 flex-1 text-[13px]">
          <span className="mb-1 block font-semibold">Add somebody</span>
          <Input
            value={subject}
            maxLength={200}
            placeholder="their name as sign-in has it"
            aria-describedby={note}
            onChange={(event) => setSubject(event.target.value)}
          />
        </label>
        <RolePicker label="Role of whom you add" value={role} onChange={setRole} />
      </div>
      <p id={note} className="text-xs text-muted" role="status">
        {already
          ? `${name} is a member already; the role can be changed above.`
          : ROLES.map(({ role: one, says }) => `${one}: ${says}`).join(' · ')}
      </p>
    </Form>
  );
}

interface RolePickerProps {
  label: string;
  value: Role;
  disabled?: boolean;
  onChange: (role: Role) => void;
}

function RolePicker({ label, value, disabled = false, onChange }: RolePickerProps) {
  return (
    <select
      aria-label={label}
      value={value}
      disabled={disabled}
      onChange={(event) => {
        const chosen = ROLES.find(({ role }) => role === event.target.value);
        if (chosen) onChange(chosen.role);
      }}
      className="h-8 rounded-md border border-border bg-surface px-2 text-[13px] hover:border-border-strong focus-visible:border-focus focus-visible:outline-1 focus-visible:outline-offset-0 disabled:opacity-50"
    >
      {ROLES.map(({ role }) => (
        <option key={role} value={role}>
          {role}
        </option>
      ))}
    </select>
  );
}
