import { useEffect, useRef, useSyncExternalStore } from 'react';

import { isTyping, useShortcuts } from './shortcuts';

/** Something a person can do by name from the palette, and by key where it has one. */
export interface Command {
  id: string;
  group: string;
  label: string;
  keys?: string;
  /** More words it is found by. */
  words?: string;
  /** Where text is being written its key belongs to the text; it is there for everywhere else. */
  yields?: boolean;
  /** Returning false lets the key go on to what has the focus. */
  run: () => unknown;
}

const registered = new Map<symbol, readonly Command[]>();
const listeners = new Set<() => void>();
let all: readonly Command[] = [];

function change(): void {
  all = [...registered.values()].flat();
  for (const listener of listeners) listener();
}

/** Offers these commands, in the palette and under their keys, while the component is mounted. */
export function useCommands(commands: readonly Command[]): void {
  const latest = useRef(commands);
  useEffect(() => {
    latest.current = commands;
  });
  useShortcuts(
    Object.fromEntries(
      commands.flatMap(({ keys, run, yields }) =>
        keys
          ? [[keys, () => (yields && isTyping(document.activeElement) ? false : run())] as const]
          : [],
      ),
    ),
  );
  const names = JSON.stringify(commands.map(({ id, label }) => [id, label]));
  useEffect(() => {
    const key = Symbol('commands');
    registered.set(
      key,
      latest.current.map((command) => ({
        ...command,
        run: () => latest.current.find(({ id }) => id === command.id)?.run(),
      })),
    );
    change();
    return () => {
      registered.delete(key);
      change();
    };
  }, [names]);
}

/** All commands offered now. */
export function useAllCommands(): readonly Command[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => all,
  );
}
