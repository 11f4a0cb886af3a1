import { Ellipsis, FolderOutput, Rocket } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';

import { announce } from '../../desk';
import {
  changesOf,
  isUnderWay,
  KIND_NAMES,
  look,
  type Plan,
  removeTarget,
  runInWords,
  showShip,
  startRun,
  stateOf,
  type Target,
  usePlan,
} from '../../exports';
import { Ago } from '../../ui/Ago';
import { Button, IconButton } from '../../ui/Button';
import { Confirm } from '../../ui/Dialog';
import { Menu, MenuItem, MenuLine } from '../../ui/Menu';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { count } from '../../ui/words';
import { ShipEdit } from './ShipEdit';
import { ShipHook } from './ShipHook';
import { ShipLink } from './ShipLink';
import { ShipReconnect } from './ShipReconnect';
import { ShipRun } from './ShipRun';
import { ShipSaid } from './ShipSaid';
import { useTask } from './useTask';

interface ShipTargetProps {
  space: string;
  brief: string;
  target: Target;
  /** Why nothing can leave now; null when it can. */
  blocked: string | null;
}

/** One place a brief goes to: how it stands there, and what can be done about it. */
export function ShipTarget({ space, brief, target, blocked }: ShipTargetProps) {
  const { busy, problem, run } = useTask();
  const [editing, setEditing] = useState(false);
  const [hearing, setHearing] = useState(false);
  const [removing, setRemoving] = useState(false);
  const plan = usePlan(brief, target.id);
  // What was looked at in a dry-run, and needs nothing but a yes.
  const ready = plan && changesOf(plan.counts) > 0 && !plan.needs_yes ? plan : null;
  const working = isUnderWay(target.run);
  const hindered = blocked ?? (working ? 'An export is under way.' : null);
  useSpokenRun(target);

  const show = (what: 'plan' | 'ledger') => showShip({ brief, show: what, target: target.id });
  const ask = () =>
    run('look', async () => {
      await look(brief, target.id);
      announce(`Looking for changes in ${target.name}; what is found shows here.`);
    });
  const send = (checked: Plan) =>
    run('send', () => startRun(brief, target.id, checked.checksum, false));

  return (
    <article
      aria-label={target.name}
      className="flex flex-col gap-2 rounded-md border border-border bg-surface p-3"
    >
      <div className="flex items-start gap-2">
        <span className="mt-0.5 text-muted">
          {target.kind === 'folder' ? (
            <FolderOutput size={15} aria-hidden />
          ) : (
            <Rocket size={15} aria-hidden />
          )}
        </span>
        <div className="min-w-0 flex-1">
          <h4 className="font-medium [overflow-wrap:anywhere]">{target.name}</h4>
          <p className="text-xs text-muted">
            {KIND_NAMES[target.kind]}
            {target.remember === 'space' && ' · for the whole space'}
            {target.url && ' · '}
            <ShipLink url={target.url} about={target.name} />
          </p>
        </div>
        <Menu
          trigger={
            <IconButton label={`More about ${target.name}`}>
              <Ellipsis />
            </IconButton>
          }
        >
          <MenuItem disabled={blocked !== null} onSelect={() => setEditing(true)}>
            Name and mapping…
          </MenuItem>
          <MenuItem disabled={hindered !== null} onSelect={() => void ask()}>
            Look for changes over there
          </MenuItem>
          <MenuItem onSelect={() => show('ledger')}>What was made there</MenuItem>
          {target.connection && (
            <MenuItem onSelect={() => setHearing(true)}>How changes there are heard of…</MenuItem>
          )}
          <MenuLine />
          <MenuItem danger disabled={hindered !== null} onSelect={() => setRemoving(true)}>
            Remove…
          </MenuItem>
        </Menu>
      </div>

      <div className="flex flex-col gap-0.5">
        {stateOf(target).map((said) => (
          <ShipSaid key={said.text} said={said} />
        ))}
        {target.exported_at !== null && (
          <p className="text-xs text-muted">
            Last export <Ago at={target.exported_at} />
            {target.exported_by && ` by ${target.exported_by}`}
          </p>
        )}
      </div>

      {target.reconnect && <ShipReconnect space={space} brief={brief} target={target} />}
      {target.run && <ShipRun brief={brief} target={target} run={target.run} blocked={blocked} />}
      {problem && <ProblemNotice problem={problem} />}

      <div className="flex flex-wrap items-center gap-2">
        <Button
          small
          look={ready ? 'plain' : 'primary'}
          disabled={hindered !== null || busy !== null || target.reconnect}
          title={hindered ?? undefined}
          onClick={() => show('plan')}
        >
          Dry-run
        </Button>
        {ready && (
          <Button
            small
            look="primary"
            disabled={hindered !== null || busy !== null || target.reconnect}
            title={hindered ?? undefined}
            onClick={() => void send(ready)}
          >
            {busy === 'send' ? 'Sending…' : `Export ${count(changesOf(ready.counts), 'change')}`}
          </Button>
        )}
      </div>

      <ShipEdit brief={brief} target={target} open={editing} onOpenChange={setEditing} />
      {target.connection && <ShipHook target={target} open={hearing} onOpenChange={setHearing} />}
      <Confirm
        open={removing}
        onOpenChange={setRemoving}
        title={`Remove ${target.name}?`}
        action="Remove the target"
        onConfirm={() => void run('remove', () => removeTarget(brief, target.id))}
      >
        What was made over there stays as it is. Add the same place again, and exporting goes on
        where it was: nothing is made twice.
      </Confirm>
    </article>
  );
}

/** Says when an export begins, comes to rest, or needs somebody; each item would be too much. */
function useSpokenRun({ name, run }: Target): void {
  const last = useRef(run?.state);
  useEffect(() => {
    const { state } = run ?? {};
    if (run && state !== last.current) {
      announce(state === 'running' ? `Exporting to ${name}.` : `${name}: ${runInWords(run).text}.`);
    }
    last.current = state;
  }, [name, run]);
}
