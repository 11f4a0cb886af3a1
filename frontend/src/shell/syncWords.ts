import type { Sync } from '../desk';
import { count } from '../ui/words';

export interface SyncWords {
  tone: 'ok' | 'busy' | 'warn' | 'bad';
  text: string;
}

/** What the header says about the way to the server. The same words are spoken. */
export function syncWords({ connection, unsynced }: Sync): SyncWords {
  const changes = count(unsynced, 'change');
  switch (connection) {
    case 'connecting':
      return { tone: 'busy', text: 'connecting…' };
    case 'live':
      return unsynced === 0
        ? { tone: 'ok', text: 'saved · 0 unsynced' }
        : { tone: 'busy', text: `saving · ${unsynced} unsynced` };
    case 'offline':
      return {
        tone: 'warn',
        text: unsynced === 0 ? 'offline · 0 unsynced' : `offline · ${changes} kept on this device`,
      };
    case 'diverged':
      return { tone: 'bad', text: `rebuilt on the server · ${unsynced} unsynced` };
    case 'refused':
      return { tone: 'bad', text: `refused by the server · ${unsynced} unsynced` };
    case 'missing':
      return { tone: 'bad', text: `no such brief · ${unsynced} unsynced` };
  }
}
