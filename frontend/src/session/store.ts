import { IndexeddbPersistence } from 'y-indexeddb';
import * as Y from 'yjs';

import type { Access } from './wire';

/** What is remembered beside the document. */
export interface Remembered {
  /** The epoch of the server's document this copy belongs to; "" if it was never synced. */
  epoch: string;
  access: Access;
  unsynced: number;
}

/** The copy of a brief on this device. */
export interface LocalCopy {
  /** Whether an update came out of the copy and is therefore no edit. */
  made(origin: unknown): boolean;
  /** Settles when the document holds the copy; null when this browser keeps none. */
  loaded: Promise<Remembered | null>;
  remember(change: Partial<Remembered>): void;
  /** Moves the copy aside, so that the next session starts from the server's document. */
  setAside(): Promise<void>;
  close(): void;
}

const FRESH: Remembered = { epoch: '', access: 'write', unsynced: 0 };

function nameOf(brief: string): string {
  return `stratmaster/brief/${brief}`;
}

/** Private windows and full disks refuse; y-indexeddb would leave that rejection unhandled. */
async function canKeep(name: string): Promise<boolean> {
  if (typeof indexedDB === 'undefined') return false;
  return new Promise((resolve) => {
    try {
      const request = indexedDB.open(`${name}/probe`);
      request.onerror = () => resolve(false);
      request.onsuccess = () => {
        request.result.close();
        indexedDB.deleteDatabase(`${name}/probe`);
        resolve(true);
      };
    } catch {
      resolve(false);
    }
  });
}

export function openLocalCopy(brief: string, doc: Y.Doc): LocalCopy {
  const name = nameOf(brief);
  let remembered: Remembered = FRESH;
  let persistence: IndexeddbPersistence | null = null;
  let closed = false;

  async function load(): Promise<Remembered | null> {
    if (!(await canKeep(name)) || closed) return null;
    persistence = new IndexeddbPersistence(name, doc);
    await persistence.whenSynced;
    const [epoch, access, unsynced] = await Promise.all([
      persistence.get('epoch') as Promise<unknown>,
      persistence.get('access') as Promise<unknown>,
      persistence.get('unsynced') as Promise<unknown>,
    ]);
    remembered = {
      epoch: typeof epoch === 'string' ? epoch : '',
      access: access === 'read' ? 'read' : 'write',
      unsynced: typeof unsynced === 'number' ? unsynced : 0,
    };
    return remembered;
  }

  return {
    made: (origin) => origin !== null && origin === persistence,
    loaded: load(),
    remember(change) {
      remembered = { ...remembered, ...change };
      if (!persistence || closed) return;
      for (const [key, value] of Object.entries<string | number>(change))
        void persistence.set(key, value).catch(() => undefined);
    },
    async setAside() {
      const aside = new Y.Doc();
      Y.applyUpdate(aside, Y.encodeStateAsUpdate(doc));
      const kept = new IndexeddbPersistence(`${name}/kept/${remembered.epoch}`, aside);
      await kept.whenSynced;
      await kept.destroy();
      closed = true;
      await persistence?.clearData();
    },
    close() {
      closed = true;
      void persistence?.destroy();
    },
  };
}
