import { type ReactNode, useState } from 'react';

import { select } from '../../desk';
import { CHANGES, type ItemChange, OVERVIEW, type PlanItem } from '../../exports';
import { Button } from '../../ui/Button';
import { classes } from '../../ui/classes';
import { number } from '../../ui/words';
import { ShipLink } from './ShipLink';

/** How many are drawn before somebody asks for more. */
const PAGE = 100;

const LOOKS: Record<ItemChange, string> = {
  create: 'bg-ok-soft text-ok',
  update: 'bg-accent-soft text-accent',
  archive: 'bg-bad-soft text-bad',
  keep: 'bg-surface-2 text-muted',
  conflict: 'bg-bad-soft text-bad',
  drift: 'bg-warn-soft text-warn',
  astray: 'bg-warn-soft text-warn',
};

interface ShipItemProps {
  item: Pick<PlanItem, 'key' | 'kind' | 'title' | 'url'>;
  change: ItemChange | null;
  children?: ReactNode;
}

/** One object of a target: what it is called, what becomes of it, and where it is. */
export function ShipItem({ item, change, children }: ShipItemProps) {
  return (
    <li className="lazy-row flex flex-col gap-2 border-b border-border px-4 py-3">
      <div className="flex flex-wrap items-baseline gap-x-2 gap-y-1">
        <h4 className="min-w-0 text-[13px] font-semibold [overflow-wrap:anywhere]">
          {item.key === OVERVIEW ? (
            item.title || 'Untitled'
          ) : (
            <button
              type="button"
              className="text-left hover:underline"
              title="Show it in the brief"
              onClick={() => select({ kind: 'block', id: item.key })}
            >
              {item.title || 'Untitled'}
            </button>
          )}
        </h4>
        {change && (
          <span className={classes('rounded-full px-2 text-[11px] leading-5', LOOKS[change])}>
            {CHANGES[change]}
          </span>
        )}
        <span className="text-xs text-muted">{item.kind}</span>
        <ShipLink url={item.url} about={item.title} />
      </div>
      {children}
    </li>
  );
}

interface ShipListProps<T> {
  label: string;
  all: readonly T[];
  children: (one: T) => ReactNode;
}

/** A list that draws a page at first, and the rest when it is asked for. */
export function ShipList<T>({ label, all, children }: ShipListProps<T>) {
  const [shown, setShown] = useState(PAGE);
  return (
    <>
      <ul aria-label={label}>{all.slice(0, shown).map(children)}</ul>
      {all.length > shown && (
        <div className="p-4">
          <Button small onClick={() => setShown(shown + PAGE * 10)}>
            Show more of {number(all.length)}
          </Button>
        </div>
      )}
    </>
  );
}
