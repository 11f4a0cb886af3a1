import { ArrowLeft } from 'lucide-react';
import { useEffect, useRef } from 'react';

import { asProblem } from '../../api';
import { useBriefPort } from '../../desk';
import {
  KIND_NAMES,
  type LedgerItem,
  type Run,
  runInWords,
  standingInWords,
  type Target,
  useLedger,
  useRuns,
} from '../../exports';
import { Ago } from '../../ui/Ago';
import { Button } from '../../ui/Button';
import { Disclosure } from '../../ui/Disclosure';
import { Empty } from '../../ui/Empty';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { count } from '../../ui/words';
import { ShipItem, ShipList } from './ShipItem';

interface ShipLedgerProps {
  brief: string;
  target: Target;
  onClose: () => void;
}

/** What was made in one place for this brief, with links, and how it stands there. */
export function ShipLedger({ brief, target, onClose }: ShipLedgerProps) {
  const { data, error } = useLedger(brief, target.id);
  const runs = useRuns(brief, target.id).data ?? [];
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
        <div>
          <Button small look="quiet" onClick={onClose}>
            <ArrowLeft size={13} aria-hidden />
            All targets
          </Button>
        </div>
        <h3 ref={heading} tabIndex={-1} className="text-[13px] font-semibold outline-none">
          Made in {KIND_NAMES[target.kind]}: {target.name}
        </h3>
        {data && <p className="text-xs text-muted">{count(data.length, 'object')}</p>}
        {runs.length > 0 && (
          <Disclosure summary="The latest exports">
            <Runs runs={runs} />
          </Disclosure>
        )}
      </div>
      <div className="min-h-0 flex-1 overflow-auto" tabIndex={-1}>
        {error !== null && (
          <div className="p-4">
            <ProblemNotice problem={asProblem(error)} />
          </div>
        )}
        {!data && error === null && (
          <p role="status" className="p-4 text-[13px] text-muted">
            Loading what was made…
          </p>
        )}
        {data?.length === 0 && (
          <Empty title="Nothing was made yet">
            <p>After the first export each object stands here, with its link.</p>
          </Empty>
        )}
        {data && (
          <ShipList label="What was made" all={data}>
            {(item) => (
              <ShipItem key={item.key} item={item} change={null}>
                <Standing item={item} kind={KIND_NAMES[target.kind]} />
              </ShipItem>
            )}
          </ShipList>
        )}
      </div>
    </div>
  );
}

/** Who approved what, and what came of it. */
function Runs({ runs }: { runs: readonly Run[] }) {
  return (
    <ul className="flex max-h-40 flex-col gap-1 overflow-auto text-xs" tabIndex={0}>
      {runs.map((run) => (
        <li key={run.id}>
          <Ago at={run.started_at} /> by {run.actor}: {runInWords(run).text}
        </li>
      ))}
    </ul>
  );
}

const STATUSES = { open: 'Open', doing: 'Doing', done: 'Done' };

function Standing({ item, kind }: { item: LedgerItem; kind: string }) {
  const port = useBriefPort();
  const { standing, drift, status, stale } = item;
  if (standing === 'live' && drift.length === 0 && !stale) return null;
  return (
    <div className="flex flex-col gap-1 text-xs">
      {standing !== 'live' && <p>{standingInWords(standing, '')}.</p>}
      {drift.map(({ part, label, theirs }) => (
        <p key={part}>
          {label} changed over there: <span className="text-muted">{theirs || 'empty'}</span>
        </p>
      ))}
      {status && (
        <div>
          <Button
            small
            disabled={!port}
            title={port ? undefined : 'Only who may edit the brief can take it over.'}
            onClick={() => port?.setStatus(item.key, status)}
          >
            Take over “{STATUSES[status]}” from {kind}
          </Button>
        </div>
      )}
      {stale && <p>It rests on evidence that its source no longer gives.</p>}
    </div>
  );
}
