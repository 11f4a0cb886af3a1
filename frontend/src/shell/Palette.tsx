import { Command } from 'cmdk';
import type { ReactNode } from 'react';

import { Keys } from '../ui/Keys';

export interface Act {
  id: string;
  group: string;
  label: string;
  keys?: string;
  /** More words it is found by. */
  words?: string;
  run: () => void;
}

interface PaletteProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  acts: readonly Act[];
}

const ITEM =
  'flex cursor-pointer items-center justify-between gap-3 rounded-md px-2.5 py-1.5 text-[13px] data-[selected=true]:bg-surface-2';

/** Everything reachable, by name. */
export function Palette({ open, onOpenChange, acts }: PaletteProps) {
  const groups = [...new Set(acts.map((act) => act.group))];
  return (
    <Command.Dialog
      open={open}
      onOpenChange={onOpenChange}
      label="Palette"
      loop
      overlayClassName="fixed inset-0 z-40 bg-black/35"
      contentClassName="appear fixed top-[12vh] left-1/2 z-50 w-[min(92vw,560px)] -translate-x-1/2 overflow-hidden rounded-xl border border-border bg-surface shadow-pop"
    >
      <Command.Input
        placeholder="What would you like to do?"
        className="h-12 w-full border-b border-border bg-transparent px-4 text-[15px] outline-none placeholder:text-muted"
      />
      <Command.List className="max-h-[56vh] overflow-auto p-1.5">
        <Command.Empty className="px-3 py-6 text-center text-[13px] text-muted">
          Nothing has that name.
        </Command.Empty>
        {groups.map((group) => (
          <Command.Group
            key={group}
            heading={group}
            className="[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-[11px] [&_[cmdk-group-heading]]:text-muted [&_[cmdk-group-heading]]:uppercase"
          >
            {acts
              .filter((act) => act.group === group)
              .map((act) => (
                <Item key={act.id} act={act} onDone={() => onOpenChange(false)}>
                  {act.label}
                </Item>
              ))}
          </Command.Group>
        ))}
      </Command.List>
    </Command.Dialog>
  );
}

function Item({ act, onDone, children }: { act: Act; onDone: () => void; children: ReactNode }) {
  return (
    <Command.Item
      value={`${act.group} ${act.label} ${act.id}`}
      keywords={act.words ? [act.words] : []}
      className={ITEM}
      onSelect={() => {
        onDone();
        act.run();
      }}
    >
      <span className="min-w-0 truncate">{children}</span>
      {act.keys && <Keys of={act.keys} />}
    </Command.Item>
  );
}
