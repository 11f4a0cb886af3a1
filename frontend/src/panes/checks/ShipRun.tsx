import { useState } from 'react';

import {
  cancelRun,
  isUnderWay,
  OPS,
  type Outcome,
  outcomeInWords,
  resumeRun,
  type Run,
  runInWords,
  type Target,
  titlesInWords,
  useRun,
} from '../../exports';
import { Button } from '../../ui/Button';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { Progress } from '../../ui/Progress';
import { ShipLink } from './ShipLink';
import { useTask } from './useTask';

interface ShipRunProps {
  brief: string;
  target: Target;
  run: Run;
  /** Why nothing can leave now; null when it can. */
  blocked: string | null;
}

/** How far an export is, what became of its calls, and the way on. */
export function ShipRun({ brief, target, run, blocked }: ShipRunProps) {
  const { busy, problem, run: task } = useTask();
  const [every, setEvery] = useState(false);
  const whole = useRun(brief, target.id, every ? run.id : null);
  const working = isUnderWay(run);
  const stopped = run.state === 'failed' || run.state === 'cancelled';
  if (!working && !stopped && run.outcomes.length === 0) return null;
  const { trouble } = run;
  // The list of targets tells only of those that need a word.
  const shown = every ? (whole.data?.outcomes ?? run.outcomes) : run.outcomes;
  return (
    <div className="flex flex-col gap-2">
      {working && (
        <Progress
          value={run.total > 0 ? run.done / run.total : null}
          label={`Export to ${target.name}: ${runInWords(run).text}`}
        />
      )}
      {trouble && <ProblemNotice problem={trouble} />}
      {shown.length > 0 && (
        <ul
          aria-label={`Calls to ${target.name}`}
          className="flex max-h-64 flex-col gap-1.5 overflow-auto"
          tabIndex={0}
        >
          {shown.map((outcome) => (
            <li key={outcome.step}>
              <OneOutcome outcome={outcome} />
            </li>
          ))}
        </ul>
      )}
      {problem && <ProblemNotice problem={problem} />}
      <div className="flex flex-wrap gap-2">
        {working && (
          <Button
            small
            disabled={busy !== null || run.stopping}
            onClick={() => void task('cancel', () => cancelRun(brief, target.id, run.id))}
          >
            {busy === 'cancel' || run.stopping ? 'Cancelling…' : 'Cancel the export'}
          </Button>
        )}
        {stopped && run.done < run.total && (
          <Button
            small
            disabled={busy !== null || blocked !== null}
            title={blocked ?? undefined}
            onClick={() => void task('resume', () => resumeRun(brief, target.id, run.id))}
          >
            {busy === 'resume' ? 'Going on…' : 'Go on where it stopped'}
          </Button>
        )}
        <Button small look="quiet" aria-pressed={every} onClick={() => setEvery(!every)}>
          {every ? 'Only what needs a word' : 'Every call'}
        </Button>
      </div>
    </div>
  );
}

function OneOutcome({ outcome }: { outcome: Outcome }) {
  const about = titlesInWords(outcome);
  return (
    <div className="text-xs [overflow-wrap:anywhere]">
      <p>
        <span className="font-medium">
          {OPS[outcome.op]} {about}
        </span>
        : {outcomeInWords(outcome)} <ShipLink url={outcome.url} about={about} />
      </p>
      {outcome.message && <p className="text-muted">{outcome.message}</p>}
    </div>
  );
}
