import { useSyncExternalStore } from 'react';

/** What Ship shows of a brief: all its targets, a dry-run of one, or what was made in one. */
export type ShipView =
  | { brief: string; show: 'targets' }
  | { brief: string; show: 'plan'; target: string }
  | { brief: string; show: 'ledger'; target: string };

interface State {
  view: ShipView | null;
  /** Counts how often Ship was asked for by key, so that it comes to the front each time. */
  asked: number;
}

let state: State = { view: null, asked: 0 };
const listeners = new Set<() => void>();

export function showShip(view: ShipView, asked = false): void {
  state = { view, asked: state.asked + (asked ? 1 : 0) };
  for (const listener of listeners) listener();
}

function useShip(): State {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

export function useShipView(brief: string): ShipView {
  const { view } = useShip();
  return view?.brief === brief ? view : { brief, show: 'targets' };
}

export function useShipAsked(): number {
  return useShip().asked;
}
