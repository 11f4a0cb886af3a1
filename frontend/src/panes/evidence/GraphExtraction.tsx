import { useEffect, useState } from 'react';

import {
  asProblem,
  type Extraction,
  type ExtractionRun,
  invalidate,
  patch,
  type Problem,
  refetch,
  send,
  useResource,
} from '../../api';
import { announce } from '../../desk';
import { Button } from '../../ui/Button';
import { Disclosure } from '../../ui/Disclosure';
import { Input } from '../../ui/Field';
import { Notice } from '../../ui/Notice';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { Progress } from '../../ui/Progress';
import { count, duration, money, number } from '../../ui/words';

const LOOK = 1000; // ms between two looks at a reading that runs

/** Reading the space by a language model: what it would take, and how far it is. */
export function GraphExtraction({ space }: { space: string }) {
  const graph = `/api/spaces/${space}/graph`;
  const path = `${graph}/extraction`;
  const { data } = useResource<Extraction>(path);
  const [problem, setProblem] = useState<Problem | null>(null);
  const state = data?.run?.state ?? null;
  const running = state === 'running';

  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => void refetch(path), LOOK);
    return () => {
      clearInterval(timer);
      // What was found meanwhile is to be seen, too; the reading itself is known already.
      invalidate(`${graph}?`);
      invalidate(`${graph}/communities`);
    };
  }, [running, path, graph]);

  if (!data) return null;
  const act = async (what: '' | '/pause' | '/resume' | '/cancel', body: unknown, said: string) => {
    setProblem(null);
    try {
      const next = await send<Extraction>('POST', `${path}${what}`, body);
      patch<Extraction>(path, () => next);
      announce(said);
    } catch (error) {
      setProblem(asProblem(error));
      void refetch(path);
    }
  };
  const { run } = data;

  return (
    <Disclosure summary={summaryOf(data)} open={running || state === 'paused'}>
      <div className="flex flex-col gap-2" data-testid="extraction">
        {problem && <ProblemNotice problem={problem} />}
        {data.model === null ? (
          <Notice title={data.message}>{data.remedy}</Notice>
        ) : run && (run.state === 'running' || run.state === 'paused') ? (
          <Under
            run={run}
            left={data.estimate?.passages ?? 0}
            priced={isPriced(data)}
            onPause={() => void act('/pause', undefined, 'Reading paused.')}
            onResume={(budget) => void act('/resume', budget, 'Reading goes on.')}
            onCancel={() => void act('/cancel', undefined, 'Reading cancelled.')}
          />
        ) : (
          <Offer data={data} onStart={(budget) => void act('', budget ?? {}, 'Reading begun.')} />
        )}
      </div>
    </Disclosure>
  );
}

function summaryOf({ model, run, estimate }: Extraction): string {
  if (run?.state === 'running') return `${run.model} is reading · ${count(run.facts, 'fact')}`;
  if (run?.state === 'paused') return `Reading by ${run.model} is paused`;
  if (model === null || !estimate || estimate.kept === 0) return 'Facts read by a model: none yet';
  return `Facts read by a model: ${number(estimate.kept)} of ${count(estimate.kept + estimate.passages, 'passage')}`;
}

type Budget = { budget_usd: number } | { budget_tokens: number };

interface OfferProps {
  data: Extraction;
  onStart: (budget: Budget | null) => void;
}

function Offer({ data, onStart }: OfferProps) {
  const { estimate, model, run } = data;
  const [budget, setBudget] = useState<Budget | null>(null);
  if (!estimate || model === null) return null;
  return (
    <>
      {run && run.state !== 'running' && <Came run={run} />}
      {estimate.passages === 0 ? (
        <p className="text-muted">{model} has read every passage of this space.</p>
      ) : (
        <>
          <p>
            {count(estimate.passages, 'passage')} · ~
            {count(estimate.prompt_tokens + estimate.completion_tokens, 'token')} ·{' '}
            {estimate.cost_usd === null
              ? 'cost unknown'
              : estimate.cost_usd > 0
                ? `~${money(estimate.cost_usd)}`
                : 'no cost'}{' '}
            ·{' '}
            {estimate.minutes === null
              ? 'time unknown before the first'
              : `~${duration(estimate.minutes * 60)}`}{' '}
            · {model}
          </p>
          <p className="text-xs text-muted">
            Only what a passage says in the words quoted is believed. It stands beside what is read
            without a model.
          </p>
          <div className="flex flex-wrap items-center gap-2">
            <Button small look="primary" onClick={() => onStart(budget)}>
              Read with {model}
            </Button>
            <BudgetField priced={isPriced(data)} onChange={setBudget} />
          </div>
        </>
      )}
    </>
  );
}

/** Where a price is known and is not nothing, a budget in money means something. */
function isPriced({ estimate, run }: Extraction): boolean {
  return (estimate?.cost_usd ?? 0) > 0 || (run?.cost_usd ?? 0) > 0;
}

interface BudgetFieldProps {
  priced: boolean;
  onChange: (budget: Budget | null) => void;
}

/** In USD where the price is known, else in tokens. */
function BudgetField({ priced, onChange }: BudgetFieldProps) {
  const unit = priced ? 'USD' : 'tokens';
  return (
    <label className="flex items-center gap-1.5 text-xs text-muted">
      at most
      <Input
        type="number"
        min={0}
        step={priced ? 0.01 : 1000}
        className="!h-6.5 !w-24 !text-xs"
        placeholder="no limit"
        aria-label={`Budget in ${unit}`}
        onChange={(event) => {
          const amount = event.target.valueAsNumber;
          onChange(
            Number.isNaN(amount)
              ? null
              : priced
                ? { budget_usd: amount }
                : { budget_tokens: Math.round(amount) },
          );
        }}
      />
      {unit}
    </label>
  );
}

interface UnderProps {
  run: ExtractionRun;
  left: number;
  priced: boolean;
  onPause: () => void;
  onResume: (budget: Budget | undefined) => void;
  onCancel: () => void;
}

function Under({ run, left, priced, onPause, onResume, onCancel }: UnderProps) {
  const [budget, setBudget] = useState<Budget | null>(null);
  const total = run.passages + left;
  const paused = run.state === 'paused';
  return (
    <>
      <Progress
        value={total > 0 ? run.passages / total : null}
        label={`Passages read by ${run.model}`}
      />
      <p className="tabular-nums">
        {number(run.passages)} of {count(total, 'passage')}
      </p>
      <Came run={run} />
      {run.reason && (
        <Notice tone="warn" title={run.reason.message}>
          {run.reason.remedy}
        </Notice>
      )}
      <div className="flex flex-wrap items-center gap-2">
        {paused ? (
          <Button small look="primary" onClick={() => onResume(budget ?? undefined)}>
            Resume
          </Button>
        ) : (
          <Button small onClick={onPause}>
            Pause
          </Button>
        )}
        <Button small look="quiet" onClick={onCancel}>
          Cancel
        </Button>
        {paused && <BudgetField priced={priced} onChange={setBudget} />}
      </div>
    </>
  );
}

/** What a reading has come to. */
function Came({ run }: { run: ExtractionRun }) {
  return (
    <p className="text-xs text-muted">
      {count(run.facts, 'fact')} found, {number(run.dropped)} not borne out by the passages
      {run.failed > 0 && `, ${count(run.failed, 'passage')} without an answer`} ·{' '}
      {count(run.prompt_tokens + run.completion_tokens, 'token')} ·{' '}
      {run.unpriced > 0 ? 'cost unknown' : run.cost_usd > 0 ? money(run.cost_usd) : 'no cost'}
    </p>
  );
}
