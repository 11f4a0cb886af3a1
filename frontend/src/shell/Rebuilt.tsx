import { useEffect, useRef, useState } from 'react';

import { asProblem, patch, type Problem, type Rebuild, send, useResource } from '../api';
import { announce } from '../desk';
import { Button } from '../ui/Button';
import { Notice } from '../ui/Notice';
import { ProblemNotice } from '../ui/ProblemNotice';
import { Progress } from '../ui/Progress';
import { count, number } from '../ui/words';

const PATH = '/api/rebuild';

/** What a leg's index is called, where its name does not say it. */
const CALLED: Record<string, string> = { bm25: 'word', hashing: 'dense' };

/** A rebuild of the indexes while it goes on, and how it ended. */
export function Rebuilt() {
  const { data } = useResource<Rebuild>(PATH);
  const running = data?.running ?? false;
  const was = useRef(false);
  const [ended, setEnded] = useState(false);
  useEffect(() => {
    if (!data) return;
    if (running !== was.current) {
      if (running) announce(`${rebuildWords(data).title}.`);
      else if (!data.error) announce(`Rebuilt ${indexes(data.legs)}.`);
      setEnded(!running && !data.error);
    }
    was.current = running;
  }, [data, running]);

  if (!data) return null;
  if (running) {
    const { title, rest } = rebuildWords(data);
    return (
      <div className="shrink-0 px-3 py-2" data-testid="rebuild">
        <Notice>
          <p className="mb-1.5 tabular-nums">
            {title}
            {rest && `: ${rest}`}
          </p>
          <Progress label={title} value={data.total > 0 ? data.done / data.total : null} />
        </Notice>
      </div>
    );
  }
  if (data.error) return <Failed rebuild={data} />;
  if (!ended) return null;
  return (
    <div className="shrink-0 px-3 py-2" data-testid="rebuild">
      <Notice
        tone="ok"
        action={
          <Button small onClick={() => setEnded(false)}>
            Dismiss
          </Button>
        }
      >
        Rebuilt {indexes(data.legs)}: {count(data.done, 'passage')}.
      </Notice>
    </div>
  );
}

function Failed({ rebuild }: { rebuild: Rebuild }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const again = async () => {
    setProblem(null);
    try {
      const now = await send<Rebuild>('POST', PATH);
      patch<Rebuild>(PATH, () => now);
    } catch (failure) {
      setProblem(asProblem(failure));
    }
  };
  const what = rebuild.legs.length > 0 ? indexes(rebuild.legs) : 'the indexes';
  return (
    <div role="alert" className="flex shrink-0 flex-col gap-2 px-3 py-2" data-testid="rebuild">
      <Notice
        tone="warn"
        title={`Could not rebuild ${what}`}
        action={
          <Button small onClick={() => void again()}>
            Go on
          </Button>
        }
      >
        {rebuild.error}
        {/[.!?]$/.test(rebuild.error ?? '') ? '' : '.'} What was built is kept, and what was there
        before goes on answering.
      </Notice>
      {problem && <ProblemNotice problem={problem} />}
    </div>
  );
}

/** "the word, dense and graph indexes". */
function indexes(legs: readonly string[]): string {
  const names = legs.map((leg) => CALLED[leg] ?? leg);
  const listed = new Intl.ListFormat('en-GB', { type: 'conjunction' }).format(names);
  return `the ${listed} ${legs.length === 1 ? 'index' : 'indexes'}`;
}

/** How a rebuild that runs is told. */
export function rebuildWords(rebuild: Rebuild): { title: string; rest: string } {
  const { legs, done, total, answering } = rebuild;
  const old = legs.length === 1 ? 'the old one answers' : 'the old ones answer';
  const parts = [];
  if (total > 0) parts.push(`${number(done)} of ${number(total)}`);
  parts.push(answering ? `${old} meanwhile` : 'searches go on without what is not built yet');
  return {
    title: `Rebuilding ${legs.length > 0 ? indexes(legs) : 'the indexes'}`,
    rest: parts.join(' · '),
  };
}
