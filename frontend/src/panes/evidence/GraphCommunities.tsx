import { useState } from 'react';

import { asProblem, type Communities, type Community, useResource } from '../../api';
import { Button } from '../../ui/Button';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { count, number } from '../../ui/words';
import { GraphQuote } from './GraphQuote';

const PAGE = 8; // communities at once
const SHOWN = 6; // names of one

interface GraphCommunitiesProps {
  space: string;
  onEntity: (name: string) => void;
}

/** Who keeps company, told by sentences of the sources alone. */
export function GraphCommunities({ space, onEntity }: GraphCommunitiesProps) {
  const [page, setPage] = useState(0);
  const { data, error } = useResource<Communities>(
    `/api/spaces/${space}/graph/communities?offset=${page * PAGE}&limit=${PAGE}`,
  );
  if (error !== null && !data) return <ProblemNotice problem={asProblem(error)} />;
  return (
    <section aria-labelledby="graph-communities">
      <h3 id="graph-communities" className="mb-1.5 text-xs font-semibold text-muted">
        Who keeps company
      </h3>
      {!data ? (
        <p className="working text-[13px] text-muted" role="status">
          looking who keeps company…
        </p>
      ) : data.total === 0 ? (
        <p className="text-[13px] text-muted">
          No three names stand together often enough to be told of.
        </p>
      ) : (
        <>
          <ol className="flex flex-col gap-2" start={data.offset + 1}>
            {data.communities.map((one) => (
              <Group key={one.id} community={one} onEntity={onEntity} />
            ))}
          </ol>
          <div className="mt-2 flex flex-wrap items-center gap-2 text-xs text-muted">
            {data.total > PAGE && (
              <>
                <Button small disabled={page === 0} onClick={() => setPage(page - 1)}>
                  Previous
                </Button>
                <span className="tabular-nums">
                  {data.offset + 1}–{data.offset + data.communities.length} of {data.total}
                </span>
                <Button
                  small
                  disabled={(page + 1) * PAGE >= data.total}
                  onClick={() => setPage(page + 1)}
                >
                  Next
                </Button>
              </>
            )}
            {data.read < data.of && (
              <span>
                found in the oldest sources: {number(data.read)} of {count(data.of, 'passage')}
              </span>
            )}
          </div>
        </>
      )}
    </section>
  );
}

function Group({
  community,
  onEntity,
}: {
  community: Community;
  onEntity: (name: string) => void;
}) {
  const [all, setAll] = useState(false);
  const names = community.entities.slice(0, SHOWN);
  const quotes = all ? community.quotes : community.quotes.slice(0, 1);
  const rest = community.size - names.length;
  return (
    <li className="rounded-md border border-border bg-surface px-3 py-2">
      <p className="flex flex-wrap items-baseline gap-x-2 gap-y-0.5 text-[13px]">
        {names.map((entity) => (
          <button
            key={entity.key}
            type="button"
            className="font-medium text-accent [overflow-wrap:anywhere] hover:underline"
            onClick={() => onEntity(entity.name)}
          >
            {entity.name}
          </button>
        ))}
        <span className="text-xs text-muted">
          {rest > 0 && `and ${count(rest, 'more', 'more')} · `}
          {count(community.passages, 'passage')}
        </span>
      </p>
      <ul className="mt-1.5 flex flex-col gap-1.5">
        {quotes.map((quoted) => (
          <li key={`${quoted.passage} ${quoted.start}`}>
            <GraphQuote quoted={quoted} />
          </li>
        ))}
      </ul>
      {community.quotes.length > 1 && (
        <Button
          small
          look="quiet"
          className="mt-1"
          aria-expanded={all}
          onClick={() => setAll(!all)}
        >
          {all ? 'Less' : count(community.quotes.length - 1, 'more quote')}
        </Button>
      )}
    </li>
  );
}
