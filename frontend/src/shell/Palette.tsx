import { Command as List } from 'cmdk';
import type { ReactNode } from 'react';

import type { Command } from '../desk';
import { useFocusBack } from '../ui/focusBack';
import { Keys } from '../ui/Keys';

interface PaletteProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  commands: readonly Command[];
}

const ITEM =
  'flex cursor-pointer items-center justify-between gap-3 rounded-md px-2.5 py-1.5 text-[13px] data-[selected=true]:bg-surface-2';

/** Everything reachable, by name. */
export function Palette({ open, onOpenChange, commands }: PaletteProps) {
  useFocusBack(open);
  const groups = [...new Set(commands.map(({ group }) => group))];
  return (
    <List.Dialog
      open={open}
      onOpenChange={onOpenChange}
      label="Palette"
      loop
      overlayClassName="fixed inset-0 z-40 bg-black/35"
      contentClassName="appear fixed top-[12vh] left-1/2 z-50 w-[min(92vw,560px)] -translate-x-1/2 overflow-hidden rounded-xl border border-border bg-surface shadow-pop"
    >
      <List.Input
        placeholder="What would you like to do?"
        className="h-12 w-full border-b border-border bg-transparent px-4 text-[15px] outline-none placeholder:text-muted"
      />
      <List.List className="max-h-[56vh] overflow-auto p-1.5">
        <List.Empty className="px-3 py-6 text-center text-[13px] text-muted">
          Nothing has that name.
        </List.Empty>
        {groups.map((group) => (
          <List.Group
            key={group}
            heading={group}
            className="[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-[11px] [&_[cmdk-group-heading]]:text-muted [&_[cmdk-group-heading]]:uppercase"
          >
            {commands
              .filter((command) => command.group === group)
              .map((command) => (
                <Item key={command.id} command={command} onDone={() => onOpenChange(false)}>
                  {command.label}
                </Item>
              ))}
          </List.Group>
        ))}
      </List.List>
    </List.Dialog>
  );
}

function Item({
  command,
  onDone,
  children,
}: {
  command: Command;
  onDone: () => void;
  children: ReactNode;
}) {
  return (
    <List.Item
      value={`${command.group} ${command.label} ${command.id}`}
      keywords={command.words ? [command.words] : []}
      className={ITEM}
      onSelect={() => {
        onDone();
        command.run();
      }}
    >
      <span className="min-w-0 truncate">{children}</span>
      {command.keys && <Keys of={command.keys} />}
    </List.Item>
  );
}
