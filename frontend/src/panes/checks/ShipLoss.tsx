import { select } from '../../desk';
import { OVERVIEW, type Plan } from '../../exports';
import { Button } from '../../ui/Button';
import { Empty } from '../../ui/Empty';
import { ShipList } from './ShipItem';

/** What of the brief the target cannot show. */
export function ShipLoss({ plan }: { plan: Plan }) {
  const titles = new Map(plan.items.map(({ key, title }) => [key, title]));
  return (
    <div className="min-h-0 flex-1 overflow-auto" tabIndex={0} role="region" aria-label="Loss">
      {plan.losses.length === 0 && (
        <Empty title="Nothing is lost">
          <p>The target can show everything that the brief says.</p>
        </Empty>
      )}
      <ShipList label="What the target cannot show" all={plan.losses}>
        {({ key, what }) => (
          <li
            key={`${key} ${what}`}
            className="flex items-start justify-between gap-3 border-b border-border px-4 py-2.5 text-[13px]"
          >
            <span>
              {what}
              {titles.get(key) && (
                <span className="block text-xs text-muted">{titles.get(key)}</span>
              )}
            </span>
            {key !== OVERVIEW && (
              <Button small look="quiet" onClick={() => select({ kind: 'block', id: key })}>
                Show it
              </Button>
            )}
          </li>
        )}
      </ShipList>
    </div>
  );
}
