import {
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleX,
  type LucideIcon,
  MessageCircle,
} from 'lucide-react';
import { memo, useEffect, useRef, useState } from 'react';

import {
  asProblem,
  type Claim,
  get,
  type Hit,
  type Problem,
  refetch,
  send,
  type Verdict,
} from '../../api';
import { claimsPath, VERDICTS } from '../../claims';
import { announce, select, useBriefPort, useOffline } from '../../desk';
import { cite, useEvidence } from '../../sources';
import { Button } from '../../ui/Button';
import { classes, rowLook } from '../../ui/classes';
import { Notice } from '../../ui/Notice';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { count, percent } from '../../ui/words';
import { PassageList } from './PassageList';

const LOOKS: Record<Verdict, { icon: LucideIcon; className: string }> = {
  supported: { icon: CircleCheck, className: 'text-ok' },
  partial: { icon: CircleDashed, className: 'text-warn' },
  unsupported: { icon: CircleX, className: 'text-bad' },
  stale: { icon: CircleAlert, className: 'text-warn' },
  opinion: { icon: MessageCircle, className: 'text-muted' },
};

interface ClaimRowProps {
  claim: Claim;
  space: string;
  brief: string;
  chosen: boolean;
  /** Mod+. asked for this claim's card: take the focus. */
  card: boolean;
  onCardShown: () => void;
}

/** One claim: its verdict, why, what it cites, and what can be done. */
export const ClaimRow = memo(function ClaimRow(props: ClaimRowProps) {
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
