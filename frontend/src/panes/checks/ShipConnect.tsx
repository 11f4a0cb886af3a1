import { ExternalLink } from 'lucide-react';
import { useState } from 'react';

import { asProblem } from '../../api';
import { announce } from '../../desk';
import {
  connect,
  type Connection,
  GUIDES,
  KIND_NAMES,
  type RemoteKind,
  signIn,
  useConnections,
} from '../../exports';
import { Button } from '../../ui/Button';
import { Disclosure } from '../../ui/Disclosure';
import { Input } from '../../ui/Field';
import { Form } from '../../ui/Form';
import { Notice } from '../../ui/Notice';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { useExportRights } from './useExportRights';
import { useTask } from './useTask';

interface ShipConnectProps {
  space: string;
  kind: RemoteKind;
  onChoose: (connection: Connection) => void;
}

/** With whose token: one that is there already, a sign-in, or a token that is copied here. */
export function ShipConnect({ space, kind, onChoose }: ShipConnectProps) {
  const { data, error } = useConnections(space);
  const { connects } = useExportRights(space);
  const there = (data ?? []).filter((one) => one.kind === kind);
  return (
    <>
      {error !== null && <ProblemNotice problem={asProblem(error)} />}
      {there.length > 0 && (
        <ul aria-label="Connections" className="flex flex-col gap-1.5">
          {there.map((one) => (
            <li key={one.id}>
              <button
                type="button"
                disabled={one.state !== 'ok'}
                className="flex w-full items-baseline justify-between gap-3 rounded-md border border-border px-3 py-2 text-left text-[13px] hover:border-border-strong hover:bg-surface-2 disabled:opacity-60"
                onClick={() => onChoose(one)}
              >
                <span className="[overflow-wrap:anywhere]">{one.name}</span>
                <span className="text-xs text-muted">
                  {one.state === 'ok' ? one.account : 'to be connected again'}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {!connects && (
        <Notice tone="info">
          {there.length > 0
            ? 'Only admins of this space add connections.'
            : `No connection to ${KIND_NAMES[kind]} yet. Ask an admin of this space to make one.`}
        </Notice>
      )}
      {connects && there.length > 0 && (
        <Disclosure summary="Connect another account">
          <ShipToken space={space} kind={kind} onConnected={onChoose} />
        </Disclosure>
      )}
      {connects && data && there.length === 0 && (
        <ShipToken space={space} kind={kind} onConnected={onChoose} />
      )}
    </>
  );
}

interface ShipTokenProps {
  space: string;
  kind: RemoteKind;
  onConnected: (connection: Connection) => void;
}

/** Connects by a sign-in over there, or by a token with how to come by it and what it may do. */
export function ShipToken({ space, kind, onConnected }: ShipTokenProps) {
  const { steps, url, scopes, fields } = GUIDES[kind];
  const name = KIND_NAMES[kind];
  const [said, setSaid] = useState<Record<string, string>>({});
  const { busy, problem, run } = useTask();
  const go = () =>
    run('sign-in', async () => {
      location.assign(await signIn(space, kind));
    });
  return (
    <div className="flex flex-col gap-3 text-[13px]">
      <div className="flex flex-col gap-1.5">
        <div>
          <Button small disabled={busy !== null} onClick={() => void go()}>
            {busy ? 'On the way…' : `Sign in at ${name}`}
          </Button>
        </div>
        {problem && <ProblemNotice problem={problem} />}
        <p className="text-xs text-muted">Or with a token:</p>
      </div>
      <ol className="list-decimal pl-5">
        {steps.map((step, at) => (
          <li key={step}>
            {step}{' '}
            {at === 0 && (
              <a
                href={url}
                target="_blank"
                rel="noreferrer"
                className="inline-flex items-center gap-0.5 text-accent hover:underline"
              >
                Open the page <ExternalLink size={11} aria-hidden />
              </a>
            )}
          </li>
        ))}
      </ol>
      <p className="text-xs text-muted">It has to be allowed: {scopes.join(', ')}. No more.</p>
      <Form
        action="Connect"
        ready={fields.every((field) => (said[field.name] ?? '').trim() !== '')}
        explain={asProblem}
        onSubmit={async () => {
          const trimmed = fields.map((field) => [field.name, (said[field.name] ?? '').trim()]);
          const made = await connect(space, kind, Object.fromEntries(trimmed) as typeof said);
          setSaid({});
          announce(`Connected to ${name} as ${made.account}.`);
          onConnected(made);
        }}
      >
        {fields.map((field) => (
          <label key={field.name} className="flex flex-col gap-1">
            {field.label}
            <Input
              type={field.secret ? 'password' : 'text'}
              autoComplete="off"
              spellCheck={false}
              placeholder={field.placeholder}
              value={said[field.name] ?? ''}
              onChange={(event) => setSaid({ ...said, [field.name]: event.target.value })}
            />
          </label>
        ))}
      </Form>
      <p className="text-xs text-muted">It is kept sealed and never shown again.</p>
    </div>
  );
}
