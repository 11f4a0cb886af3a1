import { ArrowLeft, RefreshCw } from 'lucide-react';
import { useCallback, useEffect, useRef, useState } from 'react';

import { asProblem, type Problem } from '../../api';
import { announce } from '../../desk';
import {
  astrayInWords,
  changesOf,
  countsInWords,
  decide,
  dryRun,
  KIND_NAMES,
  type Plan,
  startRun,
  type Target,
  timeInWords,
  usePlan,
} from '../../exports';
import { Button } from '../../ui/Button';
import { Notice } from '../../ui/Notice';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { TabPanel, Tabs } from '../../ui/Tabs';
import { count } from '../../ui/words';
import { type Decide, ShipDiff } from './ShipDiff';
import { ShipLoss } from './ShipLoss';
import { ShipPayload } from './ShipPayload';
import { ShipPreview } from './ShipPreview';

type Tab = 'preview' | 'payload' | 'diff' | 'loss';

interface ShipPlanProps {
  brief: string;
  target: Target;
  /** Why nothing can leave now; null when it can. */
  blocked: string | null;
  onClose: () => void;
}

/** A dry-run: what would be sent, how it will look, what collides and what is lost; then the yes. */
export function ShipPlan({ brief, target, blocked, onClose }: ShipPlanProps) {
  const plan = usePlan(brief, target.id);
  const { looking, problem, look, settle } = useLook(brief, target, blocked);
  const [tab, setTab] = useState<Tab>('preview');
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);

  return (
    <div
      className="flex min-h-0 flex-1 flex-col"
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.defaultPrevented) return;
        event.preventDefault();
        onClose();
      }}
    >
      <div className="flex flex-col gap-2 border-b border-border px-4 py-3">
        <div className="flex items-center justify-between gap-2">
          <Button small look="quiet" onClick={onClose}>
            <ArrowLeft size={13} aria-hidden />
            All targets
          </Button>
          <Button
            small
            look="quiet"
            disabled={looking || blocked !== null}
            title={blocked ?? undefined}
            onClick={() => void look()}
          >
            <RefreshCw size={13} aria-hidden />
            Dry-run again
          </Button>
        </div>
        <div>
          <h3 ref={heading} tabIndex={-1} className="text-[13px] font-semibold outline-none">
            {KIND_NAMES[target.kind]}: {target.name}
          </h3>
          {plan && (
            <>
              <p className="text-[13px]">{countsInWords(plan.counts)}</p>
              <p className="text-xs text-muted">{costInWords(plan)}</p>
            </>
          )}
        </div>
        {blocked && <Notice tone="warn">{blocked}</Notice>}
        {problem && <ProblemNotice problem={problem} />}
      </div>
      {!plan && looking && (
        <p role="status" className="working p-4 text-[13px] text-muted">
          Looking at what is there and comparing…
        </p>
      )}
      {plan && (
        <div className="min-h-0 flex-1" aria-busy={looking}>
          <Tabs<Tab>
            label="Dry-run"
            value={tab}
            onChange={setTab}
            tabs={[
              { id: 'preview', label: 'Preview' },
              { id: 'payload', label: 'Payload', count: plan.steps.length || null },
              { id: 'diff', label: 'Diff', count: plan.items.filter(differs).length || null },
              { id: 'loss', label: 'Loss', count: plan.losses.length || null },
            ]}
          >
            <TabPanel id="preview">
              <ShipPreview plan={plan} />
            </TabPanel>
            <TabPanel id="payload">
              <ShipPayload plan={plan} />
            </TabPanel>
            <TabPanel id="diff">
              <ShipDiff plan={plan} busy={looking || blocked !== null} onDecide={settle} />
            </TabPanel>
            <TabPanel id="loss">
              <ShipLoss plan={plan} />
            </TabPanel>
          </Tabs>
        </div>
      )}
      {plan && (
        <Approve
          key={plan.checksum}
          brief={brief}
          target={target}
          plan={plan}
          blocked={blocked ?? (looking ? 'Being compared again…' : null)}
          onDiff={tab === 'diff' ? null : () => setTab('diff')}
          onAgain={() => void look()}
          onSent={onClose}
        />
      )}
    </div>
  );
}

function differs({ change }: Plan['items'][number]): boolean {
  return change !== 'keep';
}

/** "4 calls that write and 2 that read, about 3 s." */
function costInWords({ counts, seconds }: Plan): string {
  if (counts.writes === 0) return 'No call that writes.';
  const reads = counts.reads > 0 ? ` and ${counts.reads} that read` : '';
  const writes =
    counts.writes === 1 ? '1 call that writes' : `${count(counts.writes, 'call')} that write`;
  return `${writes}${reads}, ${timeInWords(seconds)}.`;
}

/** Looks over there as soon as it is shown, and whenever it is asked to. */
function useLook(brief: string, target: Target, blocked: string | null) {
  const [looking, setLooking] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const during = useCallback(async (work: () => Promise<string>) => {
    setLooking(true);
    setProblem(null);
    try {
      announce(await work());
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setLooking(false);
    }
  }, []);
  const look = useCallback(
    () =>
      during(async () => {
        const plan = await dryRun(brief, target.id);
        return `Dry-run: ${countsInWords(plan.counts)}.`;
      }),
    [during, brief, target.id],
  );
  /** What was decided changes the plan: until there is a new one, none can be approved. */
  const settle: Decide = (parts, ways, said) =>
    void during(async () => {
      await decide(brief, target.id, parts, ways);
      return said;
    });
  const hindered = blocked !== null;
  const looked = useRef(false);
  useEffect(() => {
    if (hindered || looked.current) return;
    looked.current = true;
    // Not while rendering: what it learns is shown by this very component.
    queueMicrotask(() => void look());
  }, [hindered, look]);
  return { looking, problem, look, settle };
}

/** What the yes does: "Export 4 changes". */
function actInWords({ counts }: Plan): string {
  return counts.writes > 0 ? `Export ${count(changesOf(counts), 'change')}` : 'Nothing to export';
}

interface ApproveProps {
  brief: string;
  target: Target;
  plan: Plan;
  blocked: string | null;
  /** Leads to what is to be decided; null where it is shown. */
  onDiff: (() => void) | null;
  onAgain: () => void;
  onSent: () => void;
}

/** The yes to this very plan, and a second one where it takes much away. */
function Approve({ brief, target, plan, blocked, onDiff, onAgain, onSent }: ApproveProps) {
  const [yes, setYes] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const { counts } = plan;
  const open = counts.conflict + counts.astray;
  const hindered =
    blocked ?? (plan.needs_yes && !yes ? 'It takes much away: say yes to that first.' : null);
  const send = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await startRun(brief, target.id, plan.checksum, yes);
      onSent();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="flex flex-col gap-2 border-t border-border px-4 py-3">
      {open > 0 && (
        <Notice
          tone="warn"
          action={
            onDiff && (
              <Button small onClick={onDiff}>
                Decide
              </Button>
            )
          }
        >
          {counts.conflict > 0 && `${count(counts.conflict, 'conflict')}: not sent until decided. `}
          {counts.astray > 0 && `${astrayInWords(counts.astray)}: left alone until decided.`}
        </Notice>
      )}
      {problem && (
        <ProblemNotice
          problem={problem}
          action={
            <Button small onClick={onAgain}>
              Dry-run again
            </Button>
          }
        />
      )}
      {plan.needs_yes && (
        <label className="flex items-start gap-2 text-[13px]">
          <input
            type="checkbox"
            className="mt-1"
            checked={yes}
            onChange={(event) => setYes(event.target.checked)}
          />
          <span>
            Yes, archive {count(counts.archive, 'object')} in {target.name}. Up to{' '}
            {plan.archives_limit} need no second yes.
          </span>
        </label>
      )}
      <div className="flex items-center justify-end gap-2">
        {hindered && <span className="text-xs text-muted">{hindered}</span>}
        <Button
          look="primary"
          disabled={busy || hindered !== null || counts.writes === 0}
          onClick={() => void send()}
        >
          {busy ? 'Starting…' : actInWords(plan)}
        </Button>
      </div>
    </div>
  );
}
