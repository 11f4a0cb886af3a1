import { DropdownMenu } from 'radix-ui';
import { type ReactNode, useRef } from 'react';

import { classes } from './classes';

interface MenuProps {
  trigger: ReactNode;
  /** Takes the focus after an entry was chosen; without it, the button has it again. */
  onChosen?: () => void;
  children: ReactNode;
}

export function Menu({ trigger, onChosen, children }: MenuProps) {
  const chosen = useRef(false);
  return (
    // Not modal: that hides from screen readers a page whose buttons still take the focus.
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="start"
          sideOffset={6}
          collisionPadding={8}
          onClick={() => (chosen.current = true)}
          onCloseAutoFocus={(event) => {
            // This comes a task late. What has taken the focus by then, as a menu opened anew does,
            // would close without it.
            const taken = document.activeElement !== document.body;
            if (taken || (chosen.current && onChosen)) event.preventDefault();
            if (!taken && chosen.current) onChosen?.();
            chosen.current = false;
          }}
          className="appear z-50 max-h-[70vh] min-w-52 overflow-auto rounded-lg border border-border bg-surface p-1 shadow-pop"
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

interface ItemProps {
  onSelect: () => void;
  danger?: boolean;
  checked?: boolean;
  disabled?: boolean;
  children: ReactNode;
}

export function MenuItem({ onSelect, danger, checked, disabled, children }: ItemProps) {
  return (
    <DropdownMenu.Item
      onSelect={onSelect}
      disabled={disabled === true}
      aria-current={checked ? 'true' : undefined}
      className={classes(
        'flex cursor-pointer items-center gap-2 rounded-md px-2.5 py-1.5 text-[13px] outline-none select-none data-[disabled]:opacity-50 data-[highlighted]:bg-surface-2 [&_svg]:size-3.5',
        danger && 'text-bad',
        checked && 'font-semibold',
      )}
    >
      {children}
    </DropdownMenu.Item>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return (
    <DropdownMenu.Label className="px-2.5 pt-1.5 pb-1 text-[11px] font-medium tracking-wide text-muted uppercase">
      {children}
    </DropdownMenu.Label>
  );
}

export function MenuLine() {
  return <DropdownMenu.Separator className="my-1 h-px bg-border" />;
}
