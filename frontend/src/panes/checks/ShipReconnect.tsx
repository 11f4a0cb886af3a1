import { useState } from 'react';

import { invalidate } from '../../api';
import {
  checkConnection,
  KIND_NAMES,
  type RemoteKind,
  type Target,
  targetsPath,
} from '../../exports';
import { Button } from '../../ui/Button';
import { Dialog } from '../../ui/Dialog';
import { Notice } from '../../ui/Notice';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { ShipToken } from './ShipToken';
import { useExportRights } from './useExportRights';
import { useTask } from './useTask';

interface ShipReconnectProps {
  space: string;
  brief: string;
  target: Target;
}

/** The way out where a target's token is no longer good. */
export function ShipReconnect({ space, brief, target }: ShipReconnectProps) {
  const { connects } = useExportRights(space);
  const [open, setOpen] = useState(false);
  const { busy, problem, run } = useTask();
  const { connection } = target;
  if (connection === null || target.kind === 'folder') return null;
  const kind: RemoteKind = target.kind;
  const again = () => invalidate(targetsPath(brief));
  const check = () =>
    run('check', async () => {
      await checkConnection(space, connection);
      again();
    });
  return (
    <>
      <Notice
        tone="bad"
        action={
          connects && (
            <>
              <Button small look="primary" onClick={() => setOpen(true)}>
                Connect again
              </Button>
              <Button small disabled={busy !== null} onClick={() => void check()}>
                {busy ? 'Asking…' : 'Try it once more'}
              </Button>
            </>
          )
        }
      >
        {KIND_NAMES[kind]} no longer takes our token.{' '}
        {!connects && 'Ask an admin of this space to connect again.'}
      </Notice>
      {problem && <ProblemNotice problem={problem} />}
      <Dialog open={open} onOpenChange={setOpen} title={`Connect to ${KIND_NAMES[kind]} again`}>
        <ShipToken
          space={space}
          kind={kind}
          again={connection}
          onConnected={() => {
            setOpen(false);
            again();
          }}
        />
      </Dialog>
    </>
  );
}
