import type { Evidence } from '../../api';
import { select, usePlace } from '../../desk';
import { classes } from '../../ui/classes';

const STATES = {
  current: '',
  stale: ', from an older version of the source',
  deleted: ', the source was deleted',
} as const;

/** A verified citation: its number, and the quote it stands for. */
export function Chip({ number, evidence }: { number: number; evidence: Evidence }) {
  const { sel } = usePlace();
  const chosen = sel?.kind === 'cite' && sel.id === evidence.id;
  const page = evidence.page === null ? '' : `, page ${evidence.page}`;
  return (
    <button
      type="button"
      data-cite={evidence.id}
      aria-label={`Citation ${number}: ${evidence.source_title}${page}${STATES[evidence.state]}`}
      aria-pressed={chosen}
      title={`${evidence.source_title}${page}\n“${evidence.quote}”`}
      onClick={() => select({ kind: 'cite', id: evidence.id })}
      className={classes(
        'appear ml-0.5 inline-flex h-4.5 min-w-4.5 items-center justify-center rounded-full px-1 align-[0.12em] font-sans text-[11px] leading-none font-semibold tabular-nums transition-colors',
        chosen
          ? 'bg-accent text-accent-text'
          : 'bg-accent-soft text-accent hover:bg-accent hover:text-accent-text',
        evidence.state !== 'current' && 'outline-1 outline-warn outline-dashed',
      )}
    >
      {number}
    </button>
  );
}
