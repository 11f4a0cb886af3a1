import { Popover } from 'radix-ui';
import { useState } from 'react';

import type { Source } from '../../api';
import { Button } from '../../ui/Button';
import { Input } from '../../ui/Field';
import { count } from '../../ui/words';

interface ScopePickerProps {
  sources: readonly Source[];
  /** Ids to search; null is all of the space. */
  chosen: ReadonlySet<string> | null;
  onChange: (chosen: ReadonlySet<string> | null) => void;
}

/** Which sources a question looks at. */
export function ScopePicker({ sources, chosen, onChange }: ScopePickerProps) {
  const [filter, setFilter] = useState('');
  const searchable = sources.filter((source) => source.searchable);
  const shown = searchable.filter((source) =>
    `${source.title} ${source.path}`.toLowerCase().includes(filter.toLowerCase()),
  );
  const label = chosen
    ? `${chosen.size} of ${count(searchable.length, 'source')}`
    : count(searchable.length, 'source');
  const toggle = (id: string) => {
    const next = new Set(chosen ?? searchable.map((source) => source.id));
    if (!next.delete(id)) next.add(id);
    onChange(next.size === searchable.length ? null : next);
  };
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <Button small look="quiet" className="-ml-2" aria-label={`Scope: ${label}. Choose sources`}>
          scope: {label}
        </Button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          align="start"
          sideOffset={6}
          collisionPadding={8}
          aria-label="Sources to search"
          className="appear z-50 flex max-h-[60vh] w-80 flex-col gap-2 rounded-lg border border-border bg-surface p-3 shadow-pop"
        >
          <Input
            aria-label="Filter sources"
            placeholder="Filter…"
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
          />
          <div className="flex gap-1.5">
            <Button small onClick={() => onChange(null)}>
              All
            </Button>
            <Button small onClick={() => onChange(new Set())}>
              None
            </Button>
          </div>
          <ul className="min-h-0 overflow-auto">
            {shown.map((source) => (
              <li key={source.id} className="lazy-row">
                <label className="flex items-center gap-2 rounded-md px-1.5 py-1 text-[13px] hover:bg-surface-2">
                  <input
                    type="checkbox"
                    className="accent-(--accent)"
                    checked={chosen ? chosen.has(source.id) : true}
                    onChange={() => toggle(source.id)}
                  />
                  <span className="min-w-0 truncate">{source.title}</span>
                </label>
              </li>
            ))}
            {shown.length === 0 && (
              <li className="px-1.5 py-2 text-[13px] text-muted">No searchable source matches.</li>
            )}
          </ul>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
