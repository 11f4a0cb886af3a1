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
  useConnectWays,
} from '../../exports';
import { Button } from '../../ui/Button';
import { Input } from '../../ui/Field';
import { Form } from '../../ui/Form';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { useTask } from './useTask';

interface ShipTokenProps {
  space: string;
  kind: RemoteKind;
  /** The connection that is to be good again; null for another one. */
  again: string | null;
  onConnected: (connection: Connection) => void;
}

/** Connects by a sign-in over there, or by a token with how to come by it and what it may do. */
export function ShipToken({ space, kind, again, onConnected }: ShipTokenProps) {
  const ways = useConnectWays(space).data ?? [];
  const way = ways.find((one) => one.kind === kind);
  return (
    <div className="flex flex-col gap-3 text-[13px]">
      {way?.sign_in && (
        <>
          <SignIn space={space} kind={kind} again={again} scopes={way.scopes} />
          <p className="text-xs text-muted">Or with a token:</p>
        </>
      )}
      <ByToken space={space} kind={kind} again={again} onConnected={onConnected} />
    </div>
  );
}

interface SignInProps {
  space: string;
  kind: RemoteKind;
  again: string | null;
  scopes: readonly string[];
}

function SignIn({ space, kind, again, scopes }: SignInProps) {
  const [site, setSite] = useState('');
  const [gone, setGone] = useState(false);
  const { busy, problem, run } = useTask();
  const name = KIND_NAMES[kind];
  const go = () => {
    // Opened at once: a browser keeps windows from opening that nobody pressed a button for.
    const tab = window.open('', '_blank');
    if (tab) tab.opener = null;
    return run('sign-in', async () => {
      try {
        const url = await signIn(space, kind, site.trim(), again);
        if (tab) tab.location.href = url;
        else location.assign(url);
        setGone(true);
      } catch (error) {
        tab?.close();
        throw error;
      }
    });
  };
  return (
    <div className="flex flex-col gap-1.5">
      {kind === 'jira' && (
        <label className="flex flex-col gap-1">
          Site, if you have several
          <Input
            value={site}
            placeholder="https://your-team.atlassian.net"
            onChange={(event) => setSite(event.target.value)}
          />
        </label>
      )}
      <div>
        <Button look="primary" disabled={busy !== null} onClick={() => void go()}>
          Sign in at {name} <ExternalLink size={13} aria-hidden />
        </Button>
      </div>
      {scopes.length > 0 && <p className="text-xs text-muted">It asks for {scopes.join(', ')}.</p>}
      {problem && <ProblemNotice problem={problem} />}
      <p role="status" className="text-xs text-muted">
        {gone && `Go on in the other window: once you said yes, the connection stands here.`}
      </p>
    </div>
  );
}

function ByToken({ space, kind, again, onConnected }: ShipTokenProps) {
  const { steps, url, scopes, fields } = GUIDES[kind];
  const [said, setSaid] = useState<Record<string, string>>({});
  const typed = (name: string) => (said[name] ?? '').trim();
  return (
    <>
      <ol className="list-decimal pl-5">
        {steps.map((step, at) => (
          <li key={step}>
            {step}{' '}
            {at === 0 && (
              <a
                href={url}
                target="_blank"
                rel="noreferrer"
                className="inline-flex items-center gap-0.5 text-accent underline"
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
        ready={fields.every(({ name, optional }) => optional !== undefined || typed(name) !== '')}
        explain={asProblem}
        onSubmit={async () => {
          const given = fields.map(({ name }) => [name, typed(name)] as const);
          const made = await connect(space, kind, Object.fromEntries(given), again);
          setSaid({});
          announce(`Connected to ${KIND_NAMES[kind]} as ${made.account}.`);
          onConnected(made);
        }}
      >
        {fields.map(({ name, label, secret, placeholder, optional }) => (
          <div key={name} className="flex flex-col gap-1">
            <label className="flex flex-col gap-1">
              {label}
              <Input
                type={secret ? 'password' : 'text'}
                autoComplete="off"
                spellCheck={false}
                placeholder={placeholder}
                value={said[name] ?? ''}
                onChange={(event) => setSaid({ ...said, [name]: event.target.value })}
              />
            </label>
            {optional && <p className="text-xs text-muted">{optional}</p>}
          </div>
        ))}
      </Form>
      <p className="text-xs text-muted">It is kept sealed and never shown again.</p>
    </>
  );
}
