import {
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleX,
  type LucideIcon,
  MessageCircle,
} from 'lucide-react';
import { memo, useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';

import {
  asProblem,
  type Claim,
  type Coverage,
  get,
  type Hit,
  type Problem,
  refetch,
  send,
  type Verdict,
} from '../../api';
import {
  cancelCheck,
  type Checking,
  claimOf,
  claimsPath,
  coverageLine,
  nextUnresolved,
  unresolved,
  useChecking,
  useClaims,
  VERDICTS,
} from '../../claims';
import { announce, select, useBriefPort, usePlace, useCommands, useOffline } from '../../desk';
import { cite, useEvidence } from '../../sources';
import { Button } from '../../ui/Button';
import { Choices } from '../../ui/Choices';
import { classes, rowLook } from '../../ui/classes';
import { Empty } from '../../ui/Empty';
import { Keys } from '../../ui/Keys';
import { Notice } from '../../ui/Notice';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { Progress } from '../../ui/Progress';
import { clock, count, number, percent } from '../../ui/words';
import { PassageList } from './PassageList';

const LOOKS: Record<Verdict, { icon: LucideIcon; className: string; bar: string }> = {
  supported: { icon: CircleCheck, className: 'text-ok', bar: 'bg-ok' },
  partial: { icon: CircleDashed, className: 'text-warn', bar: 'bg-warn' },
  unsupported: { icon: CircleX, className: 'text-bad', bar: 'bg-bad' },
  stale: { icon: CircleAlert, className: 'text-warn', bar: 'bg-warn/60' },
  opinion: { icon: MessageCircle, className: 'text-muted', bar: 'bg-border-strong' },
};

const NONE: readonly Claim[] = [];

type Filter = Verdict | 'all' | 'open';

export function Claims({ space, brief }: { space: string; brief: string }) {
  const report = useClaims(brief);
  const checking = useChecking(brief);
  const offline = useOffline();
  const { sel } = usePlace();
  const [filter, setFilter] = useState<Filter>('all');
  const [card, setCard] = useState(false);
  const onCardShown = useCallback(() => setCard(false), []);
  const all = report.data?.claims ?? NONE;
  const chosen =
    sel?.kind === 'claim'
      ? all.find((claim) => claim.hash === sel.id)
      : sel?.kind === 'cite'
        ? claimOf(all, { cite: sel.id })
        : sel?.kind === 'block'
          ? claimOf(all, { block: sel.id })
          : undefined;

  const walk = (direction: 1 | -1) => {
    const next = nextUnresolved(all, chosen?.hash ?? null, direction);
    if (!next) {
      announce('No unresolved claims.');
      return;
    }
    setFilter('all');
    select({ kind: 'claim', id: next.hash });
    announce(`${VERDICTS[next.verdict].word}: ${next.text}`);
  };
  useCommands([
    {
      id: 'next-claim',
      group: 'Checks',
      label: 'Next unresolved claim',
      keys: 'F8',
      run: () => walk(1),
    },
    {
      id: 'previous-claim',
      group: 'Checks',
      label: 'Previous unresolved claim',
      keys: 'Shift+F8',
      run: () => walk(-1),
    },
    {
      id: 'claim-card',
      group: 'Checks',
      label: 'Claim card',
      keys: 'Mod+.',
      run: () => {
        if (!chosen) return false;
        setCard(true);
        return true;
      },
    },
  ]);

  const shown = useMemo(
    () =>
      all
        .filter((claim) =>
          filter === 'all'
            ? true
            : filter === 'open'
              ? !VERDICTS[claim.verdict].resolved
              : claim.verdict === filter,
        )
        .sort((a, b) => a.order - b.order),
    [all, filter],
  );
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
          className={LOOKS[verdict].bar}
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

interface ClaimRowProps {
  claim: Claim;
  space: string;
  brief: string;
  chosen: boolean;
  /** Mod+. asked for this claim's card: take the focus. */
  card: boolean;
  onCardShown: () => void;
}

const ClaimRow = memo(function ClaimRow(props: ClaimRowProps) {
  const { claim, space, brief, chosen, card, onCardShown } = props;
  const row = useRef<HTMLLIElement>(null);
  const port = useBriefPort();
  const offline = useOffline();
  const [hits, setHits] = useState<Hit[] | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const look = LOOKS[claim.verdict];
  const Icon = look.icon;
  const word = VERDICTS[claim.verdict].word;

  useEffect(() => {
    if (chosen) row.current?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  useEffect(() => {
    if (!card) return;
    row.current?.focus();
    onCardShown();
  }, [card, onCardShown]);

  const act = async (what: () => Promise<void>) => {
    setBusy(true);
    setProblem(null);
    try {
      await what();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };
  const recheck = () =>
    act(async () => {
      await send('POST', `${claimsPath(brief)}/${claim.hash}/recheck`);
      await refetch(claimsPath(brief));
      announce('Checked again.');
    });
  const mark = (opinion: boolean) =>
    act(async () => {
      await send('POST', `${claimsPath(brief)}/${claim.hash}`, { opinion });
      await refetch(claimsPath(brief));
      announce(opinion ? 'Marked as opinion.' : 'No longer an opinion.');
    });
  const find = () =>
    act(async () => {
      const found = await get<{ hits: Hit[] }>(
        `/api/spaces/${space}/search?limit=5&q=${encodeURIComponent(claim.text)}`,
      );
      setHits(found.hits);
      announce(`${count(found.hits.length, 'passage')} found.`);
    });
  const use = (hit: Hit) =>
    act(async () => {
      if (!port) return;
      const record = await cite(hit.passage, claim.text);
      const old = claim.cites[0];
      if (old) port.replaceCitation(old, record.id, claim.block);
      else if (!port.citeSentence(claim.block, claim.text, record.id)) {
        throw new Error('The sentence was changed meanwhile: its claim is read again first.');
      }
      setHits(null);
      announce('Citation put into the brief.');
    });

  return (
    <li
      ref={row}
      tabIndex={-1}
      data-claim={claim.hash}
      data-verdict={claim.verdict}
      aria-label={`${word}: ${claim.text}`}
      onKeyDown={(event) => {
        if (event.target !== row.current || event.ctrlKey || event.metaKey || event.altKey) return;
        const key = event.key.toLowerCase();
        if (key === 'v') void recheck();
        else if (key === 'r') void find();
        else if (key === 'o') void mark(claim.verdict !== 'opinion');
        else return;
        event.preventDefault();
      }}
      className={classes('lazy-row', rowLook(chosen))}
    >
      <button
        type="button"
        aria-expanded={chosen}
        className="block w-full text-left"
        onClick={() => select({ kind: 'claim', id: claim.hash })}
      >
        <span className={classes('flex items-center gap-1.5 text-xs font-medium', look.className)}>
          <Icon size={14} aria-hidden /> {word}
        </span>
        <span className="mt-0.5 block font-serif text-[14px] leading-snug">{claim.text}</span>
      </button>
      {claim.reason && <p className="mt-1 text-xs text-muted">{claim.reason}</p>}
      <Cites claim={claim} open={chosen} />

      {chosen && (
        <div className="mt-2 flex flex-wrap gap-1.5">
          <Button small disabled={busy || offline} onClick={() => void find()}>
            {claim.cites.length > 0 ? 'Replace evidence' : 'Find evidence'}
          </Button>
          <Button
            small
            disabled={busy || offline}
            onClick={() => void mark(claim.verdict !== 'opinion')}
          >
            {claim.verdict === 'opinion' ? 'Not an opinion' : 'Mark as opinion'}
          </Button>
          <Button small disabled={busy || offline} onClick={() => void recheck()}>
            Re-check
          </Button>
        </div>
      )}
      {problem && (
        <div className="mt-2">
          <ProblemNotice problem={problem} />
        </div>
      )}
      {hits && (
        <div className="mt-2 flex flex-col gap-2">
          {hits.length === 0 ? (
            <Notice tone="warn">Nothing in this space comes near. The claim stays open.</Notice>
          ) : (
            <PassageList
              hits={hits}
              disabled={!port || busy}
              reason={port ? undefined : 'Open the brief for editing to cite'}
              onCite={(hit) => void use(hit)}
            />
          )}
          <div>
            <Button small look="quiet" onClick={() => setHits(null)}>
              Close
            </Button>
          </div>
        </div>
      )}
    </li>
  );
});

/** What the claim cites, with the score of each comparison. */
function Cites({ claim, open }: { claim: Claim; open: boolean }) {
  const records = useEvidence(claim.cites);
  if (claim.cites.length === 0) return null;
  return (
    <ul className="mt-1 flex flex-col gap-1">
      {claim.cites.map((id) => {
        const record = records.get(id);
        const score = claim.evidence.find((item) => item.cite === id)?.score;
        return (
          <li key={id} className="text-xs">
            <button
              type="button"
              className="max-w-full text-left text-accent hover:underline"
              onClick={() => select({ kind: 'cite', id })}
            >
              {record
                ? `${record.source_title}${record.page === null ? '' : `, p. ${record.page}`}`
                : record === null
                  ? 'evidence is gone'
                  : '…'}
            </button>
            {record && record.state !== 'current' && (
              <span className="ml-1 text-warn">
                ⚠ {record.state === 'stale' ? 'older version' : 'source deleted'}
              </span>
            )}
            {score !== undefined && (
              <span className="ml-1 text-muted tabular-nums">{percent(score)}</span>
            )}
            {open && record && (
              <q className="block font-serif text-[13px] leading-snug text-muted">{record.quote}</q>
            )}
          </li>
        );
      })}
    </ul>
  );
}
