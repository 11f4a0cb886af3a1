import type { LucideIcon } from 'lucide-react';
import { Tabs as Radix } from 'radix-ui';
import type { ReactNode } from 'react';

import { classes } from './classes';

interface Tab<T extends string> {
  id: T;
  label: string;
  /** Stands for the label of a tab that is not open, where the row is narrow. */
  icon?: LucideIcon;
  count?: number | null;
}

interface TabsProps<T extends string> {
  label: string;
  tabs: readonly Tab<T>[];
  value: T;
  onChange: (value: T) => void;
  children: ReactNode;
}

/** A row of tabs above panels; the panels are `TabPanel`s. */
export function Tabs<T extends string>({ label, tabs, value, onChange, children }: TabsProps<T>) {
  return (
    <Radix.Root
      value={value}
      onValueChange={(next) => {
        const tab = tabs.find((item) => item.id === next);
        if (tab) onChange(tab.id);
      }}
      className="flex h-full min-h-0 flex-col"
    >
      <div className="@container shrink-0">
        <Radix.List
          aria-label={label}
          className="flex h-10 shrink-0 items-stretch overflow-x-auto border-b border-border px-1.5 [scrollbar-width:none]"
        >
          {tabs.map(({ id, label, icon: Icon, count }) => (
            <Radix.Trigger
              key={id}
              value={id}
              title={Icon && label}
              className="group relative inline-flex shrink-0 items-center gap-1 rounded-sm px-1.5 -outline-offset-2 text-[13px] font-medium text-muted transition-colors hover:text-text data-[state=active]:text-text data-[state=active]:after:absolute data-[state=active]:after:inset-x-1.5 data-[state=active]:after:bottom-0 data-[state=active]:after:h-0.5 data-[state=active]:after:rounded-full data-[state=active]:after:bg-accent"
            >
              {Icon && (
                <Icon
                  size={15}
                  aria-hidden
                  className="hidden group-data-[state=inactive]:@max-[24.5rem]:block"
                />
              )}
              <span className="flex items-baseline gap-1">
                <span
                  className={classes(Icon && 'group-data-[state=inactive]:@max-[24.5rem]:sr-only')}
                >
                  {label}
                </span>{' '}
                {typeof count === 'number' && (
                  <span className="text-[11px] font-normal text-muted tabular-nums">{count}</span>
                )}
              </span>
            </Radix.Trigger>
          ))}
        </Radix.List>
      </div>
      {children}
    </Radix.Root>
  );
}

export function TabPanel({ id, children }: { id: string; children: ReactNode }) {
  return (
    <Radix.Content value={id} className="flex min-h-0 flex-1 flex-col outline-none" tabIndex={-1}>
      {children}
    </Radix.Content>
  );
}
