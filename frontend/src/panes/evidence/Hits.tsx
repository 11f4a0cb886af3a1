import { type ReactNode, useState } from 'react';

import type { Elsewhere, Hit } from '../../api';
import { select } from '../../desk';
import { Button } from '../../ui/Button';
import { count } from '../../ui/words';

const SHORT = 280; // characters shown before "more"

interface HitsProps {
  hits: readonly Hit[];
  /** What can be done with a passage, beside opening it. */
  action?: (hit: Hit) => ReactNode;
}

/** Passages as a list: where they stand, what they say, and the way into the reader. */
export function Hits({ hits, action }: HitsProps) {
  return (
    <ol className="flex flex-col gap-2">
      {hits.map((hit) => (
        <HitRow key={hit.passage.id} hit={hit} action={action?.(hit)} />
      ))}
    </ol>
  );
}

/** Where else a hit's wording stands, or nearly this one: the first place, the others on demand. */
export function AlsoIn({ places }: { places: readonly Elsewhere[] }) {
  const [all, setAll] = useState(false);
  if (places.length === 0) return null;
  const more = places.length - 1;
  return (
    <p className="mt-1 text-xs text-muted">
      also in{' '}
      {(all ? places : places.slice(0, 1)).map((place, index) => (
        <span key={place.passage}>
          {index > 0 && ', '}
          <PlaceLink place={place} />
        </span>
      ))}
      {more > 0 && (
        <>
          {' '}
          <button
            type="button"
            aria-expanded={all}
            aria-label={all ? 'Only the first place' : count(more, 'more place')}
            className="rounded-sm px-1 font-medium hover:bg-surface-2 hover:text-text"
            onClick={() => setAll(!all)}
          >
            {all ? 'less' : `(+${more})`}
          </button>
        </>
      )}
    </p>
  );
}

type Place = Pick<Elsewhere, 'source' | 'source_title' | 'version' | 'page' | 'start' | 'end'>;

export function placeName({ source_title: title, page }: Pick<Place, 'source_title' | 'page'>) {
  return page === null ? title : `${title}, p. ${page}`;
}

/** Opens a place in the reader. */
function PlaceLink({ place }: { place: Place }) {
  const { source, version, start, end } = place;
  return (
    <button
      type="button"
      className="min-w-0 truncate text-left font-medium text-accent hover:underline"
      onClick={() => select({ kind: 'at', source, version, start, end })}
    >
      {placeName(place)}
    </button>
  );
}

function HitRow({ hit, action }: { hit: Hit; action: ReactNode }) {
  const [whole, setWhole] = useState(false);
  const { passage } = hit;
  const long = passage.text.length > SHORT;
  const text = whole || !long ? passage.text : `${passage.text.slice(0, SHORT).trimEnd()}…`;
  return (
    <li className="rounded-md border border-border bg-surface px-3 py-2">
      <div className="flex items-baseline justify-between gap-2 text-xs text-muted">
        <PlaceLink place={passage} />
        <span className="shrink-0 tabular-nums">
          {hit.reranked && (
            <span title="Its rank before the best were read again">
              was #{hit.reranked.before} ·{' '}
            </span>
          )}
          <span title="Fused score">{hit.score.toFixed(3)}</span>
        </span>
      </div>
      {passage.headings.length > 0 && (
        <p className="truncate text-xs text-muted">{passage.headings.join(' › ')}</p>
      )}
      <p className="mt-1 font-serif text-[13.5px] leading-relaxed whitespace-pre-line">{text}</p>
      <AlsoIn places={hit.elsewhere} />
      <div className="mt-1 flex gap-1.5">
        {action}
        {long && (
          <Button small look="quiet" aria-expanded={whole} onClick={() => setWhole(!whole)}>
            {whole ? 'Less' : 'More'}
          </Button>
        )}
      </div>
    </li>
  );
}
