import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';

import { asProblem, type Claim, type Coverage, refetch, type Verdict } from '../../api';
import {
  cancelCheck,
  type Checking,
  claimsPath,
  coverageLine,
  selectedClaim,
  unresolved,
  useChecking,
  useClaims,
  VERDICTS,
} from '../../claims';
import { announce, useOffline, usePlace } from '../../desk';
import { Button } from '../../ui/Button';
import { Choices } from '../../ui/Choices';
import { Empty } from '../../ui/Empty';
import { Keys } from '../../ui/Keys';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { Progress } from '../../ui/Progress';
import { clock, count, number } from '../../ui/words';
import { ClaimRow } from './ClaimRow';

const BARS: Record<Verdict, string> = {
  supported: 'bg-ok',
  partial: 'bg-warn',
  unsupported: 'bg-bad',
  stale: 'bg-warn/60',
  opinion: 'bg-border-strong',
};

const NONE: readonly Claim[] = [];

type Filter = Verdict | 'all' | 'open';

function isShown(claim: Claim, filter: Filter): boolean {
  if (filter === 'all') return true;
  return filter === 'open' ? !VERDICTS[claim.verdict].resolved : claim.verdict === filter;
}

interface ClaimsProps {
  space: string;
  brief: string;
  /** Whether the chosen claim's card is to take the focus. */
  card: boolean;
  onCardShown: () => void;
}

export function Claims({ space, brief, card, onCardShown }: ClaimsProps) {
  const report = useClaims(brief);
  const checking = useChecking(brief);
  const offline = useOffline();
  const { sel } = usePlace();
  const [filter, setFilter] = useState<Filter>('all');
  const all = report.data?.claims ?? NONE;
  const chosen = selectedClaim(all, sel);

  const shown = useMemo(
    () => all.filter((claim) => isShown(claim, filter)).sort((a, b) => a.order - b.order),
    [all, filter],
  );
  // What was chosen elsewhere is not hidden by the filter.
  const [followed, setFollowed] = useState(chosen?.hash);
  if (chosen?.hash !== followed) {
    setFollowed(chosen?.hash);
    if (chosen && !isShown(chosen, filter)) setFilter('all');
  }
  // The brief comes first: hundreds of rows are drawn when it stands, and give way to keys.
  const rows = useDeferredValue(shown, NONE);

  const counted = report.data && coverageLine(report.data.coverage);
  const spoken = useRef<string | null>(null);
  useEffect(() => {
    if (!counted) return;
    if (spoken.current !== null && spoken.current !== counted) announce(`Checked: ${counted}`);
    spoken.current = counted;
  }, [counted]);

  if (!report.data) {
    return report.error ? (
      <div className="p-4">
        <ProblemNotice
          problem={asProblem(report.error)}
          action={
            <Button small onClick={() => void refetch(claimsPath(brief))}>
              Try again
            </Button>
          }
        />
      </div>
    ) : checking ? (
      <div className="p-4">
        <CheckProgress brief={brief} checking={checking} />
      </div>
    ) : null;
  }

  const { coverage, method, checked_at: checkedAt, unchecked } = report.data;

  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex shrink-0 flex-col gap-2 border-b border-border px-4 py-3">
        {coverage.claims > 0 && (
          <>
            <CoverageBar coverage={coverage} />
            <p className="text-[13px] font-medium tabular-nums" data-testid="coverage">
              {coverageLine(coverage)}
            </p>
          </>
        )}
        <p className="flex flex-wrap justify-between gap-x-2 text-xs text-muted">
          <span title="A claim is compared with its evidence by words and figures, not by a language model.">
            {method === 'lexical' ? 'lexical checks, weaker than a model’s' : `${method} checks`}
          </span>
          <span>{`${offline ? 'as of' : 'checked'} ${clock(checkedAt)}`}</span>
        </p>
        {checking ? (
          <CheckProgress brief={brief} checking={checking} />
        ) : (
          unchecked > 0 && (
            <p className="flex items-center justify-between gap-2 text-xs text-muted">
              {count(unchecked, 'claim')} not checked yet
              <Button small disabled={offline} onClick={() => void refetch(claimsPath(brief))}>
                Check the rest
              </Button>
            </p>
          )
        )}
        <Filters claims={all} value={filter} onChange={setFilter} />
      </div>

      <div className="min-h-0 flex-1 overflow-auto" tabIndex={-1}>
        {all.length === 0 && unchecked === 0 && (
          <Empty title="No claims yet">
            <p>
              Each sentence with something to prove appears here once it is written, with its
              citations and whether they bear it out.
            </p>
          </Empty>
        )}
        {all.length > 0 && shown.length === 0 && (
          <p className="p-4 text-[13px] text-muted">No claim has this verdict.</p>
        )}
        <ul aria-label="Claims">
          {rows.map((claim) => (
            <ClaimRow
              key={`${claim.hash}${claim.block}${claim.order}`}
              claim={claim}
              space={space}
              brief={brief}
              chosen={claim === chosen}
              card={claim === chosen && card}
              onCardShown={onCardShown}
            />
          ))}
        </ul>
      </div>
      {unresolved(all).length > 0 && (
        <p className="shrink-0 border-t border-border px-4 py-1.5 text-xs text-muted">
          <Keys of="F8" /> next unresolved · <Keys of="Mod+." /> claim card
        </p>
      )}
    </div>
  );
}

/** How far a long check has come, and the way to end it. */
function CheckProgress({ brief, checking }: { brief: string; checking: Checking }) {
  const { done, total } = checking;
  const words = `checking ${number(Math.min(done + 1, total))} of ${number(total)}`;
  return (
    <div className="flex flex-col gap-1.5" data-testid="checking">
      <p className="flex items-center justify-between gap-2 text-xs tabular-nums">
        {words}
        <Button
          small
          onClick={() => {
            cancelCheck(brief);
            announce('Check cancelled. What was checked stands.');
          }}
        >
          Cancel
        </Button>
      </p>
      <Progress value={done / total} label={words} />
    </div>
  );
}

function CoverageBar({ coverage }: { coverage: Coverage }) {
  const parts = (['supported', 'opinion', 'partial', 'stale', 'unsupported'] as const).filter(
    (verdict) => coverage[verdict] > 0,
  );
  return (
    <div aria-hidden className="flex h-1.5 gap-px overflow-hidden rounded-full bg-surface-2">
      {parts.map((verdict) => (
        <div
          key={verdict}
          className={BARS[verdict]}
          style={{ width: `${(coverage[verdict] / Math.max(1, coverage.claims)) * 100}%` }}
        />
      ))}
    </div>
  );
}

interface FiltersProps {
  claims: readonly Claim[];
  value: Filter;
  onChange: (value: Filter) => void;
}

function Filters({ claims, value, onChange }: FiltersProps) {
  const present = (Object.keys(VERDICTS) as Verdict[]).filter((verdict) =>
    claims.some((claim) => claim.verdict === verdict),
  );
  if (present.length < 2) return null;
  const options: [Filter, string][] = [
    ['all', 'All'],
    ['open', 'Unresolved'],
    ...present.map((verdict): [Filter, string] => [verdict, VERDICTS[verdict].word]),
  ];
  return <Choices label="Show claims" options={options} value={value} onChange={onChange} />;
}
