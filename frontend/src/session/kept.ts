/* Copies of briefs that were rebuilt on the server, kept on this device until the person is done. */

/** A brief as it was on this device when the server's became another. */
export interface KeptCopy {
  id: string;
  brief: string;
  /** The whole document, as a Yjs update. */
  update: Uint8Array;
  /** Changes made here that the server had not confirmed. */
  unsynced: number;
  /** The blocks those touched, by id, and `title`. */
  touched: readonly string[];
  /** When it was set aside, in ISO 8601. */
  at: string;
  /** Its changes stand in the server's document as suggestions. */
  offered: boolean;
}

const COPIES = 'copies';
/** Where the browser keeps nothing, for as long as the page lives. */
const inPage = new Map<string, KeptCopy>();

function openKept(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('stratmaster/kept', 1);
    request.onupgradeneeded = () => request.result.createObjectStore(COPIES, { keyPath: 'id' });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('no storage'));
  });
}

async function inStore<T>(
  mode: IDBTransactionMode,
  ask: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const database = await openKept();
  try {
    return await new Promise((resolve, reject) => {
      const tx = database.transaction(COPIES, mode);
      const request = ask(tx.objectStore(COPIES));
      tx.oncomplete = () => resolve(request.result);
      tx.onabort = () => reject(tx.error ?? new Error('no storage'));
    });
  } finally {
    database.close();
  }
}

/** Keeps a copy, or one more state of it: on the disk, or else in this page. */
export async function keepCopy(copy: KeptCopy): Promise<void> {
  try {
    await inStore('readwrite', (store) => store.put(copy));
  } catch {
    inPage.set(copy.id, copy);
  }
}

/** The copies of a brief that are kept, oldest first. */
export async function keptCopies(brief: string): Promise<KeptCopy[]> {
  const stored = await inStore(
    'readonly',
    (store) => store.getAll() as IDBRequest<KeptCopy[]>,
  ).catch((): KeptCopy[] => []);
  return [...stored, ...inPage.values()]
    .filter((copy) => copy.brief === brief)
    .sort((a, b) => (a.at < b.at ? -1 : 1));
}

/** Removes a copy for good. */
export async function forgetCopy(id: string): Promise<void> {
  inPage.delete(id);
  await inStore('readwrite', (store) => store.delete(id)).catch(() => undefined);
}
