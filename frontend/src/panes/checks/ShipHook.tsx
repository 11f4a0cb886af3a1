import { Copy } from 'lucide-react';

import { asProblem } from '../../api';
import { announce } from '../../desk';
import { KIND_NAMES, listen, type Listening, type Target, useListening } from '../../exports';
import { Button } from '../../ui/Button';
import { Dialog } from '../../ui/Dialog';
import { Notice } from '../../ui/Notice';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { useTask } from './useTask';

interface ShipHookProps {
  target: Target;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** How changes over there are heard of, and what a person has to enter there for it. */
export function ShipHook({ target, open, onOpenChange }: ShipHookProps) {
  const { data, error } = useListening(open ? target.connection : null);
  const { busy, problem, run } = useTask();
  const { connection } = target;
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={`How changes in ${KIND_NAMES[target.kind]} are heard of`}
    >
      <div className="flex flex-col gap-3 text-[13px]">
        {error !== null && <ProblemNotice problem={asProblem(error)} />}
        {!data && error === null && <p role="status">Asking…</p>}
        {data && <Heard listening={data} name={KIND_NAMES[target.kind]} />}
        {problem && <ProblemNotice problem={problem} />}
        {connection && data?.url && (
          <div className="flex justify-end">
            <Button
              disabled={busy !== null}
              onClick={() => void run('listen', () => listen(connection))}
            >
              {busy ? 'Setting up…' : 'Set it up anew'}
            </Button>
          </div>
        )}
      </div>
    </Dialog>
  );
}

function Heard({ listening, name }: { listening: Listening; name: string }) {
  const { url, by_hand, heard, secret } = listening;
  if (!url)
    return (
      <Notice tone="info">
        {name} cannot call this server, so it is looked for changes there once in a while.
      </Notice>
    );
  if (heard) return <Notice tone="ok">{name} tells us of changes as they happen.</Notice>;
  if (!by_hand)
    return <Notice tone="info">{name} was asked to call; it has not called yet.</Notice>;
  return (
    <>
      <p>Enter this in the settings of the integration, under Webhooks:</p>
      <Given label="Address" value={url} />
      {secret && <Given label="Secret" value={secret} />}
      <p className="text-xs text-muted">Until then it is looked for changes once in a while.</p>
    </>
  );
}

function Given({ label, value }: { label: string; value: string }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      announce(`${label} copied.`);
    } catch {
      announce('The browser did not let it be copied: select it and copy it.');
    }
  };
  return (
    <div className="flex items-center gap-2">
      <span className="w-16 shrink-0 text-muted">{label}</span>
      <code className="min-w-0 flex-1 rounded-sm bg-surface-2 px-2 py-1 text-[12px] break-all">
        {value}
      </code>
      <Button small look="quiet" onClick={() => void copy()}>
        <Copy size={13} aria-hidden /> Copy<span className="sr-only"> the {label}</span>
      </Button>
    </div>
  );
}
