import { type ReactNode, useState } from 'react';

import type { Hit } from '../../api';
import { select } from '../../desk';
import { Button } from '../../ui/Button';

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

function HitRow({ hit, action }: { hit: Hit; action: ReactNode }) {
  const [whole, setWhole] = useState(false);
  const { passage } = hit;
  const long = passage.text.length > SHORT;
  const text = whole || !long ? passage.text : `${passage.text.slice(0, SHORT).trimEnd()}…`;
  return (
    <li className="rounded-md border border-border bg-surface px-3 py-2">
      <div className="flex items-baseline justify-between gap-2 text-xs text-muted">
        <button
          type="button"
          className="min-w-0 truncate text-left font-medium text-accent hover:underline"
          onClick={() => {
            const { source, version, start, end } = passage;
            select({ kind: 'at', source, version, start, end });
          }}
        >
          {passage.source_title}
          {passage.page !== null && `, p. ${passage.page}`}
        </button>
        <span className="shrink-0 tabular-nums" title="Fused score">
          {hit.score.toFixed(3)}
        </span>
      </div>
      {passage.headings.length > 0 && (
        <p className="truncate text-xs text-muted">{passage.headings.join(' › ')}</p>
      )}
      <p className="mt-1 font-serif text-[13.5px] leading-relaxed whitespace-pre-line">{text}</p>
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
