import * as Y from 'yjs';

import { keepCopy } from './kept';
import type { Access } from './wire';

/** What is remembered beside the document. */
export interface Remembered {
  /** The epoch of the server's document this copy belongs to; "" if it was never synced. */
  epoch: string;
  access: Access;
  /** Changes the server has not confirmed, of every window on this device. */
  unsynced: number;
  /** The blocks those changes touched, by id; `title` for the title. */
  touched: readonly string[];
}

/** The copy of a brief on this device. */
export interface LocalCopy {
  /** Whether an update came out of the copy and is therefore no edit. */
  made(origin: unknown): boolean;
  /** Settles when the document holds the copy; null when this browser keeps none. */
  loaded: Promise<Remembered | null>;
  remember(change: Partial<Remembered>): void;
  /** Whether all that was changed is on the disk. */
  written(): boolean;
  /** Keeps the copy apart, so that the next session starts from the server's document. */
  setAside(): Promise<void>;
  close(): void;
}

/** What one window has not had confirmed. */
interface Pending {
  unsynced: number;
  touched: readonly string[];
}

const UPDATES = 'updates';
const CUSTOM = 'custom';
/** Each window has a record of its own: two that count together would overwrite each other. */
const WINDOW = 'window/';
/** So many stored updates are made one. */
const TRIM = 500;

const NONE: Pending = { unsynced: 0, touched: [] };

function nameOf(brief: string): string {
  return `stratmaster/brief/${brief}`;
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('the browser could not read'));
  });
}

/** Null where the browser refuses: private windows, forbidden storage, a full disk. */
async function openDatabase(name: string): Promise<IDBDatabase | null> {
  try {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(UPDATES, { autoIncrement: true });
      request.result.createObjectStore(CUSTOM);
    };
    return await answer(request);
  } catch {
    return null;
  }
}

/** Other windows let go of it as they are told; what one does not let go of goes later. */
function remove(name: string): Promise<void> {
  return new Promise((resolve) => {
    try {
      const request = indexedDB.deleteDatabase(name);
      request.onsuccess = request.onerror = request.onblocked = () => resolve();
    } catch {
      resolve();
    }
  });
}

function readPending(value: unknown): Pending {
  const { unsynced, touched } = (value ?? {}) as Partial<Pending>;
  return {
    unsynced: typeof unsynced === 'number' ? unsynced : 0,
    touched: Array.isArray(touched) ? (touched as string[]) : [],
  };
}

/** `onLost` is called once where the browser stops keeping the copy. */
export function openLocalCopy(brief: string, doc: Y.Doc, onLost: () => void): LocalCopy {
  const name = nameOf(brief);
  const own = `${WINDOW}${doc.clientID}`;
  const fromDisk = { copy: brief };
  /** The stored updates that the document holds. */
  const known = new Set<IDBValidKey>();
  /** What other windows left, by key: confirmed together with what is changed here. */
  let adopted = new Map<string, string>();

  let database: IDBDatabase | null = null;
  let remembered: Remembered = { epoch: '', access: 'write', ...NONE };
  let updates: Uint8Array[] = [];
  let changed: Partial<Remembered> = {};
  let isLoading = true;
  let writing = false;
  let scheduled = false;
  let closed = false;

  function lost(): void {
    if (closed || !database) return;
    database = null;
    updates = [];
    onLost();
  }

  async function load(): Promise<Remembered | null> {
    const opened = await openDatabase(name);
    if (!opened) return null;
    if (closed) {
      opened.close();
      return null;
    }
    // Another window gave the copy up.
    opened.onversionchange = () => {
      opened.close();
      lost();
    };
    try {
      const tx = opened.transaction([UPDATES, CUSTOM], 'readonly');
      const custom = tx.objectStore(CUSTOM);
      const windows = IDBKeyRange.bound(WINDOW, `${WINDOW}~`);
      const [keys, stored, epoch, access, names, pending] = await Promise.all([
        answer(tx.objectStore(UPDATES).getAllKeys()),
        answer(tx.objectStore(UPDATES).getAll()),
        answer<unknown>(custom.get('epoch')),
        answer<unknown>(custom.get('access')),
        answer(custom.getAllKeys(windows)),
        answer<unknown[]>(custom.getAll(windows)),
      ]);
      for (const key of keys) known.add(key);
      Y.transact(
        doc,
        () => stored.forEach((update) => Y.applyUpdate(doc, update as Uint8Array)),
        fromDisk,
        false,
      );
      const left = pending.map(readPending);
      adopted = new Map(names.map((key, n) => [key as string, JSON.stringify(pending[n])]));
      remembered = {
        epoch: typeof epoch === 'string' ? epoch : '',
        access: access === 'read' ? 'read' : 'write',
        unsynced: left.reduce((sum, { unsynced }) => sum + unsynced, 0),
        touched: [...new Set(left.flatMap(({ touched }) => touched))],
      };
    } catch {
      opened.close();
      return null;
    }
    database = opened;
    schedule();
    return remembered;
  }

  const loaded = load().finally(() => {
    isLoading = false;
    if (!database) updates = [];
  });

  function schedule(): void {
    if (scheduled || closed) return;
    scheduled = true;
    // The change and its count come in one turn, and are written together.
    queueMicrotask(() => {
      scheduled = false;
      write();
    });
  }

  function write(atOnce = false): void {
    if ((writing && !atOnce) || closed || !database) return;
    if (updates.length === 0 && Object.keys(changed).length === 0) return;
    const [bytes, change] = [updates, changed];
    updates = [];
    changed = {};
    try {
      const tx = database.transaction([UPDATES, CUSTOM], 'readwrite');
      const [first] = bytes;
      if (first) {
        const one = bytes.length === 1 ? first : Y.mergeUpdates(bytes);
        const request = tx.objectStore(UPDATES).add(one);
        request.onsuccess = () => known.add(request.result);
      }
      const custom = tx.objectStore(CUSTOM);
      if (change.epoch !== undefined) custom.put(change.epoch, 'epoch');
      if (change.access !== undefined) custom.put(change.access, 'access');
      if (change.unsynced !== undefined || change.touched !== undefined) writePending(custom);
      writing = true;
      tx.oncomplete = () => {
        writing = false;
        if (known.size >= TRIM) trim();
        write();
      };
      // Also where there was no room for it, which no single request is told.
      tx.onabort = lost;
    } catch {
      lost();
    }
  }

  function writePending(custom: IDBObjectStore): void {
    const { unsynced, touched } = remembered;
    if (unsynced > 0) {
      custom.put({ unsynced, touched: [...touched] } satisfies Pending, own);
      return;
    }
    custom.delete(own);
    // A window that has changed more since counts that itself.
    for (const [key, value] of adopted) {
      const request = custom.get(key) as IDBRequest<unknown>;
      request.onsuccess = () => {
        if (JSON.stringify(request.result) === value) custom.delete(key);
      };
    }
    adopted = new Map();
  }

  /** What another window stored and this one does not hold stays beside the whole. */
  function trim(): void {
    if (!database || closed) return;
    try {
      const tx = database.transaction([UPDATES], 'readwrite');
      const store = tx.objectStore(UPDATES);
      const whole = Y.encodeStateAsUpdate(doc);
      for (const key of known) store.delete(key);
      const request = store.add(whole);
      tx.oncomplete = () => {
        known.clear();
        known.add(request.result);
      };
      tx.onabort = lost;
    } catch {
      lost();
    }
  }

  const onUpdate = (update: Uint8Array, origin: unknown) => {
    if (origin === fromDisk || (!isLoading && !database)) return;
    updates.push(update);
    schedule();
  };
  doc.on('update', onUpdate);

  const end = () => {
    doc.off('update', onUpdate);
    write(true);
    closed = true;
    // Waits for what is being written.
    database?.close();
    database = null;
  };

  return {
    made: (origin) => origin === fromDisk,
    loaded,
    remember(change) {
      remembered = { ...remembered, ...change };
      changed = { ...changed, ...change };
      schedule();
    },
    written: () => database !== null && !writing && !scheduled && updates.length === 0,
    async setAside() {
      end();
      const { epoch, unsynced, touched } = remembered;
      const update = Y.encodeStateAsUpdate(doc);
      const at = new Date().toISOString();
      const id = `${brief}/${epoch}/${doc.clientID}`;
      await keepCopy({ id, brief, update, unsynced, touched, at, offered: false });
      await remove(name);
    },
    close: end,
  };
}
