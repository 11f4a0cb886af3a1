import { Unplug } from 'lucide-react';
import { useState } from 'react';

import { asProblem } from '../../api';
import { announce } from '../../desk';
import {
  type Connection,
  disconnect,
  KIND_NAMES,
  type RemoteKind,
  useConnections,
} from '../../exports';
import { IconButton } from '../../ui/Button';
import { Confirm } from '../../ui/Dialog';
import { Disclosure } from '../../ui/Disclosure';
import { Notice } from '../../ui/Notice';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { ShipToken } from './ShipToken';
import { useExportRights } from './useExportRights';
import { useTask } from './useTask';

interface ShipConnectProps {
  space: string;
  kind: RemoteKind;
  onChoose: (connection: Connection) => void;
}

/** With whose token: one that is there already, or another. */
export function ShipConnect({ space, kind, onChoose }: ShipConnectProps) {
  const { data, error } = useConnections(space);
  const { connects } = useExportRights(space);
  const there = (data ?? []).filter((one) => one.kind === kind);
  const token = <ShipToken space={space} kind={kind} again={null} onConnected={onChoose} />;
  return (
    <>
      {error !== null && <ProblemNotice problem={asProblem(error)} />}
      {there.length > 0 && (
        <ul aria-label="Connections" className="flex flex-col gap-1.5">
          {there.map((one) => (
            <li key={one.id} className="flex items-center gap-1">
              <button
                type="button"
                disabled={one.state !== 'ok'}
                className="flex min-w-0 flex-1 items-baseline justify-between gap-3 rounded-md border border-border px-3 py-2 text-left text-[13px] hover:border-border-strong hover:bg-surface-2 disabled:opacity-60"
                onClick={() => onChoose(one)}
              >
                <span className="[overflow-wrap:anywhere]">{one.name}</span>
                <span className="text-xs text-muted">
                  {one.state === 'ok' ? one.account : 'to be connected again'}
                </span>
              </button>
              {connects && <Disconnect space={space} connection={one} />}
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
      {connects &&
        data &&
        (there.length > 0 ? (
          <Disclosure summary="Connect another account">{token}</Disclosure>
        ) : (
          token
        ))}
    </>
  );
}

function Disconnect({ space, connection }: { space: string; connection: Connection }) {
  const [asked, setAsked] = useState(false);
  const { busy, problem, run } = useTask();
  const remove = () =>
    run('disconnect', async () => {
      const revoked = await disconnect(space, connection.id);
      announce(
        revoked
          ? `${connection.name} is disconnected, and its token revoked.`
          : `${connection.name} is disconnected. Its token is yours to revoke over there.`,
      );
    });
  return (
    <>
      <IconButton
        label={`Disconnect ${connection.name}`}
        disabled={busy !== null}
        onClick={() => setAsked(true)}
      >
        <Unplug />
      </IconButton>
      {problem && <ProblemNotice problem={problem} />}
      <Confirm
        open={asked}
        onOpenChange={setAsked}
        title={`Disconnect ${connection.name}?`}
        action="Disconnect"
        onConfirm={() => void remove()}
      >
        Its token is erased here. Targets that use it export nothing until they are connected again;
        what was made over there stays.
      </Confirm>
    </>
  );
}
