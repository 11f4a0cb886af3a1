import { useState } from 'react';

import type { Plan, PlanItem } from '../../exports';
import { Button } from '../../ui/Button';
import { Empty } from '../../ui/Empty';
import { count } from '../../ui/words';
import { ShipItem, ShipList } from './ShipItem';
import { ShipWords } from './ShipWords';

/** How each object will look over there once this was sent. */
export function ShipPreview({ plan }: { plan: Plan }) {
  const [whole, setWhole] = useState(false);
  const kept = plan.items.filter(({ change }) => change === 'keep');
  const touched = plan.items.filter(({ change }) => change !== 'keep');
  const shown = whole ? plan.items : touched;
  return (
    <div className="min-h-0 flex-1 overflow-auto" tabIndex={0} role="region" aria-label="Preview">
      {shown.length === 0 && (
        <Empty title="Nothing would change over there">
          <p>What was sent stands, or was left as it is there.</p>
        </Empty>
      )}
      <ShipList label="Objects" all={shown}>
        {(item) => (
          <ShipItem key={item.key} item={item} change={item.change}>
            <Looks item={item} />
          </ShipItem>
        )}
      </ShipList>
      {kept.length > 0 && (
        <div className="p-4">
          <Button small look="quiet" aria-pressed={whole} onClick={() => setWhole(!whole)}>
            {whole ? 'Show only what changes' : `Show ${count(kept.length, 'unchanged one')} too`}
          </Button>
        </div>
      )}
    </div>
  );
}

function Looks({ item }: { item: PlanItem }) {
  if (item.change === 'archive')
    return <p className="text-[13px] text-muted">Archived there; it can be taken back out.</p>;
  return (
    <dl className="flex flex-col gap-1.5">
      {item.parts.map((part) => {
        // What changed over there stays there until somebody decides otherwise.
        const stays = part.change !== 'send' && item.change !== 'create';
        const text = stays ? part.theirs : part.ours;
        return (
          <div key={part.part} className={isShort(text) ? 'flex items-baseline gap-2' : ''}>
            <dt className="min-w-24 text-[11px] font-medium text-muted">
              {part.label}
              {part.change !== 'keep' && stays && ' (stays as it is there)'}
            </dt>
            <dd>
              {text ? <ShipWords text={text} /> : <span className="text-xs text-muted">empty</span>}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

/** Stands beside its label, not below it. */
function isShort(text: string): boolean {
  return text.length < 48 && !text.includes('\n');
}
