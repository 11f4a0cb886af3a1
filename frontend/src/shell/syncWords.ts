import type { Sync } from '../desk';
import { count } from '../ui/words';

export interface SyncWords {
  tone: 'ok' | 'busy' | 'warn' | 'bad';
  text: string;
}

function away(where: string, { unsynced, kept }: Pick<Sync, 'unsynced' | 'kept'>): string {
  if (unsynced === 0) return `${where} · 0 unsynced`;
  return `${where} · ${count(unsynced, 'change')} ${kept ? 'kept on this device' : 'only in this page'}`;
}

/** What the header says about the way to the server. The same words are spoken. */
export function syncWords(sync: Pick<Sync, 'connection' | 'unsynced' | 'kept'>): SyncWords {
  const { connection, unsynced } = sync;
  switch (connection) {
    case 'connecting':
      return {
        tone: 'busy',
        text: unsynced === 0 ? 'connecting…' : `connecting… · ${unsynced} unsynced`,
      };
    case 'live':
      return unsynced === 0
        ? { tone: 'ok', text: 'saved · 0 unsynced' }
        : { tone: 'busy', text: `saving · ${unsynced} unsynced` };
    case 'offline':
      return { tone: 'warn', text: away('offline', sync) };
    case 'signedOut':
      return { tone: 'warn', text: away('signed out', sync) };
    case 'diverged':
      return { tone: 'bad', text: `rebuilt on the server · ${unsynced} unsynced` };
    case 'refused':
      return { tone: 'bad', text: `refused by the server · ${unsynced} unsynced` };
    case 'missing':
      return { tone: 'bad', text: `no such brief · ${unsynced} unsynced` };
  }
}
