import { ExternalLink } from 'lucide-react';

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
} from '../../exports';
import { Button } from '../../ui/Button';
import { Disclosure } from '../../ui/Disclosure';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { Progress } from '../../ui/Progress';
import { count } from '../../ui/words';
import { useTask } from './useTask';

interface ShipRunProps {
  brief: string;
  target: Target;
  run: Run;
  /** Why nothing can leave now; null when it can. */
  blocked: string | null;
}

/** How far an export is, what became of each call that is not simply done, and its way on. */
export function ShipRun({ brief, target, run, blocked }: ShipRunProps) {
  const { busy, problem, run: task } = useTask();
  const working = isUnderWay(run);
  const stopped = run.state === 'failed' || run.state === 'cancelled';
  // What needs somebody first; what is done is only counted.
  const open = run.outcomes.filter(({ outcome }) => outcome !== 'done' && outcome !== 'pending');
  if (!working && !stopped && open.length === 0) return null;
  const { trouble } = run;
  return (
    <div className="flex flex-col gap-2">
      {working && (
        <Progress
          value={run.total > 0 ? run.done / run.total : null}
          label={`Export to ${target.name}: ${runInWords(run).text}`}
        />
      )}
      {trouble && <ProblemNotice problem={trouble} />}
      {open.length > 0 && (
        <Disclosure
          summary={`${count(open.length, 'call')} not done`}
          open={open.some(({ outcome }) => outcome === 'refused')}
        >
          <ul className="flex flex-col gap-1.5">
            {open.map((outcome) => (
              <li key={outcome.step}>
                <OneOutcome outcome={outcome} />
              </li>
            ))}
          </ul>
        </Disclosure>
      )}
      {problem && <ProblemNotice problem={problem} />}
      <div className="flex flex-wrap gap-2 empty:hidden">
        {working && (
          <Button
            small
            disabled={busy !== null}
            onClick={() => void task('cancel', () => cancelRun(brief, target.id, run.id))}
          >
            {busy === 'cancel' ? 'Cancelling…' : 'Cancel the export'}
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
      </div>
    </div>
  );
}

function OneOutcome({ outcome }: { outcome: Outcome }) {
  return (
    <div className="text-xs">
      <p>
        <span className="font-medium">{OPS[outcome.op]}</span>: {outcomeInWords(outcome)}
        {outcome.url && (
          <>
            {' '}
            <a
              href={outcome.url}
              target="_blank"
              rel="noreferrer"
              className="inline-flex items-center gap-0.5 text-accent hover:underline"
            >
              Open <ExternalLink size={11} aria-hidden />
            </a>
          </>
        )}
      </p>
      {outcome.message && <p className="text-muted">{outcome.message}</p>}
    </div>
  );
}
