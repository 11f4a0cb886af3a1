import { useClaims } from '../../claims';
import { go, isOffline, select, type Sync, useSuggestions, useSync } from '../../desk';
import { showShip, useShipAsked, useShipView, useTargets } from '../../exports';
import { Button } from '../../ui/Button';
import { Notice } from '../../ui/Notice';
import { count } from '../../ui/words';
import { ShipFiles } from './ShipFiles';
import { ShipLedger } from './ShipLedger';
import { ShipPlan } from './ShipPlan';
import { ShipTargets } from './ShipTargets';

/** Why the brief cannot be taken out now; null when it can. */
export function shipBlocked(sync: Sync): string | null {
  if (isOffline(sync))
    return 'The server does not answer: an export or a download would miss what is only here.';
  if (sync.connection === 'diverged') {
    return 'This brief was rebuilt on the server; settle that first.';
  }
  if (sync.unsynced > 0) {
    return `${count(sync.unsynced, 'change')} not saved yet; what leaves would miss ${sync.unsynced === 1 ? 'it' : 'them'}.`;
  }
  if (sync.connection !== 'live') return 'The brief is not connected yet.';
  return null;
}

/** Where a brief leaves for: its targets, and files that need no account. */
export function Ship({ space, brief }: { space: string; brief: string }) {
  const sync = useSync();
  const blocked = shipBlocked(sync);
  const view = useShipView(brief);
  const asked = useShipAsked();
  const targets = useTargets(brief);
  const target =
    view.show === 'targets' ? null : targets.data?.find(({ id }) => id === view.target);
  const close = () => showShip({ brief, show: 'targets' });

  if (target && view.show === 'plan')
    return (
      <ShipPlan
        key={`${target.id} ${asked}`}
        brief={brief}
        target={target}
        blocked={blocked}
        onClose={close}
      />
    );
  if (target && view.show === 'ledger')
    return <ShipLedger key={target.id} brief={brief} target={target} onClose={close} />;
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-4 overflow-auto p-4" tabIndex={-1}>
      {blocked && (
        <div id="ship-blocked">
          <Notice tone="warn">{blocked}</Notice>
        </div>
      )}
      <BeforeItLeaves brief={brief} />
      <ShipTargets space={space} brief={brief} blocked={blocked} />
      <ShipFiles brief={brief} connection={sync.connection} blocked={blocked} />
    </div>
  );
}

/** What would leave undecided or unsupported. */
function BeforeItLeaves({ brief }: { brief: string }) {
  const report = useClaims(brief);
  const pending = useSuggestions()?.all.length ?? 0;
  const open = (report.data?.claims ?? []).filter((claim) =>
    ['unsupported', 'stale', 'partial'].includes(claim.verdict),
  );
  return (
    <>
      {pending > 0 && (
        <Notice
          tone="info"
          title={`${count(pending, 'suggestion')} ${pending === 1 ? 'is' : 'are'} not decided`}
          action={
            <Button small onClick={() => go({ right: 'suggestions' })}>
              See {pending === 1 ? 'it' : 'them'}
            </Button>
          }
        >
          {pending === 1 ? 'It is' : 'They are'} left out: what leaves says what is agreed on.
        </Notice>
      )}
      {open.length > 0 && (
        <Notice
          tone="warn"
          title={`${count(open.length, 'claim')} would leave without full support`}
        >
          <ul className="mt-1 flex max-h-40 flex-col gap-1 overflow-auto">
            {open.map((claim) => (
              <li key={`${claim.hash}${claim.order}`}>
                <button
                  type="button"
                  className="text-left hover:underline"
                  onClick={() => select({ kind: 'claim', id: claim.hash })}
                >
                  {claim.text}
                </button>
              </li>
            ))}
          </ul>
        </Notice>
      )}
    </>
  );
}
