import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { saved } from './saved';
import { BEGINNING, type SessionStatus } from './status';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function session(status: Partial<SessionStatus>) {
  let now: SessionStatus = { ...BEGINNING, ...status };
  const listeners = new Set<() => void>();
  return {
    status: () => now,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set(change: Partial<SessionStatus>) {
      now = { ...now, ...change };
      listeners.forEach((listener) => listener());
    },
    listeners,
  };
}

it('answers at once where everything is saved', async () => {
  const room = session({ unsynced: 0 });
  expect(await saved(room)).toBe(true);
  expect(room.listeners.size).toBe(0);
});

it('waits until everything is', async () => {
  const room = session({ unsynced: 2 });
  const answer = saved(room);
  room.set({ unsynced: 1 });
  room.set({ unsynced: 0 });
  expect(await answer).toBe(true);
  expect(room.listeners.size).toBe(0);
});

it('waits no longer than it is told, and not for a room that is closed for good', async () => {
  const late = saved(session({ unsynced: 1 }), 5000);
  vi.advanceTimersByTime(5000);
  expect(await late).toBe(false);
  const room = session({ unsynced: 1 });
  const refused = saved(room);
  room.set({ connection: 'refused' });
  expect(await refused).toBe(false);
});
