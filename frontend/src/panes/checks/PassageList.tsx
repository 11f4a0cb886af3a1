import type { Hit } from '../../api';
import { select } from '../../desk';
import { Button } from '../../ui/Button';

interface PassageListProps {
  hits: readonly Hit[];
  disabled: boolean;
  reason: string | undefined;
  onCite: (hit: Hit) => void;
}

/** Passages that may bear a claim out; one click cites. */
export function PassageList({ hits, disabled, reason, onCite }: PassageListProps) {
  return (
    <ol aria-label="Passages found" className="flex flex-col gap-1.5">
      {hits.map((hit) => {
        const { id, source, version, start, end, source_title, page, text } = hit.passage;
        return (
          <li key={id} className="rounded-md border border-border bg-surface px-2.5 py-2">
            <button
              type="button"
              className="max-w-full truncate text-xs font-medium text-accent hover:underline"
              onClick={() => select({ kind: 'at', source, version, start, end })}
            >
              {source_title}
              {page !== null && `, p. ${page}`}
            </button>
            <p className="mt-0.5 line-clamp-4 font-serif text-[13px] leading-snug">{text}</p>
            <div className="mt-1.5">
              <Button small disabled={disabled} title={reason} onClick={() => onCite(hit)}>
                Cite
              </Button>
            </div>
          </li>
        );
      })}
    </ol>
  );
}
