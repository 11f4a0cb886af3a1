import { Tabs as Radix } from 'radix-ui';
import type { ReactNode } from 'react';

interface Tab<T extends string> {
  id: T;
  label: string;
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
      <Radix.List
        aria-label={label}
        className="flex h-10 shrink-0 items-stretch overflow-x-auto border-b border-border px-1.5 [scrollbar-width:none]"
      >
        {tabs.map((tab) => (
          <Radix.Trigger
            key={tab.id}
            value={tab.id}
            className="relative shrink-0 rounded-sm px-1.5 -outline-offset-2 text-[13px] font-medium text-muted transition-colors hover:text-text data-[state=active]:text-text data-[state=active]:after:absolute data-[state=active]:after:inset-x-1.5 data-[state=active]:after:bottom-0 data-[state=active]:after:h-0.5 data-[state=active]:after:rounded-full data-[state=active]:after:bg-accent"
          >
            {tab.label}
            {typeof tab.count === 'number' && (
              <span className="ml-1 rounded-full bg-surface-2 px-1.5 text-[11px] tabular-nums">
                {tab.count}
              </span>
            )}
          </Radix.Trigger>
        ))}
      </Radix.List>
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
