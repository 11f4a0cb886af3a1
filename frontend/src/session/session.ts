import { Awareness, applyAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness';
import * as Y from 'yjs';

import { opened as openedDocument } from './documents';
import { BEGINNING, isAway, isEditable, isFinal, type SessionStatus } from './status';
import { openLocalCopy } from './store';
import { plainText } from './text';
import { followTouched } from './touched';
import * as wire from './wire';

export interface Person {
  name: string;
  color: string;
  id?: string;
}

/** One brief, open in this page: its document, who else is there, and how far it is saved. */
export interface Session {
  readonly brief: string;
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  readonly user: Person;
  readonly status: () => SessionStatus;
  readonly subscribe: (listener: () => void) => () => void;
  rename(name: string): void;
  /** Tries now instead of after the pause. Does nothing once the answer is final. */
  reconnect(): void;
  /** The words of the copy in this page, for copying out. */
  localCopy(): string;
  /**
   * Gives up the diverged local copy for the server's document: the copy is kept apart on this
   * device (see `keptCopies`), this session ends, and the next one starts from the server.
   */
  setAside(): Promise<void>;
  destroy(): void;
}

export interface SessionOptions {
  /** The room's address; by default /rooms/{brief} on this page's host. */
  url?: string;
  /** Milliseconds before the first retry; doubled each time, up to `maxPause`. */
  pause?: number;
  maxPause?: number;
  /** Milliseconds of silence after which the other side is asked for a sign of life. */
  quiet?: number;
  /** The most bytes the room takes in one message. */
  largest?: number;
}

const UNREADABLE =
  'The server could not read a change made here, so nothing more is sent. Your text stays on ' +
  'this device: copy it, then reload the page to try once more.';
const TOO_LARGE =
  'The changes made here are larger than the server takes at once (16 MiB), so nothing more is ' +
  'sent. Your text stays on this device: copy it out, and put large pictures in as files.';

const REASONS: Partial<Record<number, string>> = {
  [wire.CLOSE.malformed]: UNREADABLE,
  [wire.CLOSE.signedOut]:
    'You are signed out. You can go on writing: your changes stay on this device, and are sent ' +
    'once you have signed in.',
  [wire.CLOSE.refused]: 'You no longer have access. Your changes stay on this device.',
  [wire.CLOSE.missing]:
    'This brief was deleted, or it is not shared with you any more. Your copy stays on this device.',
  [wire.CLOSE.tooLarge]: TOO_LARGE,
  [wire.CLOSE.tooLargeForSocket]: TOO_LARGE,
  [wire.CLOSE.storeFailed]: 'The server could not write to its store. Trying again.',
};

/** What sending the same again would end in again. */
const FINAL: ReadonlySet<number> = new Set([
  wire.CLOSE.malformed,
  wire.CLOSE.refused,
  wire.CLOSE.tooLarge,
  wire.CLOSE.tooLargeForSocket,
]);

/** How long what an update builds on may be on its way behind it, in milliseconds. */
const GAP = 500;

/** How long changes of the count are gathered before they are told, in milliseconds. */
const TELL = 150;

/** What is told to whoever has changes that the room will not take. */
function onlyReads({
  access,
  unsynced,
}: Pick<SessionStatus, 'access' | 'unsynced'>): string | null {
  return access === 'read' && unsynced > 0
    ? 'You may only read now. Your changes stay on this device.'
    : null;
}

function roomUrl(brief: string): string {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  return `${scheme}://${location.host}/rooms/${encodeURIComponent(brief)}`;
}

export function openSession(brief: string, user: Person, options: SessionOptions = {}): Session {
  const url = options.url ?? roomUrl(brief);
  const firstPause = options.pause ?? 400;
  const maxPause = options.maxPause ?? 15_000;
  const quiet = options.quiet ?? 20_000;
  const largest = options.largest ?? wire.LARGEST_MESSAGE;

  const doc = new Y.Doc();
  const awareness = new Awareness(doc);
  awareness.setLocalStateField('user', user);
  const copy = openLocalCopy(brief, doc, () => set({ kept: false }));
  const closed = openedDocument(brief, doc);
  // The origin of everything that came from the server, so that it is never sent back.
  const fromRoom = { room: brief };
  const isOwn = (origin: unknown) => origin !== fromRoom && !copy.made(origin);
  const touched = followTouched(doc, isOwn);
  const listeners = new Set<() => void>();

  let status: SessionStatus = BEGINNING;
  let destroyed = false;
  let epoch = '';
  let hasCopy = false;

  let socket: WebSocket | null = null;
  let greeted = false;
  /** Whether this connection has answered the room's step 1: from then on updates are sent singly. */
  let answered = false;
  let waiting: wire.Incoming[] = [];
  let attempts = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let telling: ReturnType<typeof setTimeout> | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let owed: ReturnType<typeof setTimeout> | undefined;
  let gap: ReturnType<typeof setTimeout> | undefined;
  let heardAt = 0;

  /** For each update-bearing message of this connection, how many changes it carried. */
  let inFlight: number[] = [];
  let savedMessages = 0;
  /** Changes made here that no message of this connection carries yet. */
  let unsent = 0;

  function set(change: Partial<SessionStatus>): void {
    const next = { ...status, ...change };
    next.editable = isEditable(next, hasCopy);
    const changed = (Object.keys(next) as (keyof SessionStatus)[]).some(
      (key) => next[key] !== status[key],
    );
    if (!changed) return;
    if (next.unsynced !== status.unsynced) {
      if (next.unsynced === 0) touched.forget();
      copy.remember({ unsynced: next.unsynced, touched: touched.all() });
    }
    const counted = { unsynced: next.unsynced, savedAt: next.savedAt };
    const onlyCounted = (Object.keys(next) as (keyof SessionStatus)[]).every(
      (key) => key in counted || next[key] === status[key],
    );
    status = next;
    // Every key changes the count twice; what shows it need not be drawn as often.
    if (onlyCounted) telling ??= setTimeout(tell, TELL);
    else tell();
  }

  function tell(): void {
    clearTimeout(telling);
    telling = undefined;
    for (const listener of listeners) listener();
  }

  function countUnsynced(): number {
    return unsent + inFlight.slice(savedMessages).reduce((sum, changes) => sum + changes, 0);
  }

  function send(bytes: Uint8Array<ArrayBuffer>): void {
    if (socket?.readyState === WebSocket.OPEN) socket.send(bytes);
  }

  function sendChanges(bytes: Uint8Array<ArrayBuffer>, changes: number): void {
    inFlight.push(changes);
    // A socket that hangs up in the midst of a large message may do so without saying why.
    if (bytes.length > largest) stop('refused', TOO_LARGE);
    else {
      send(bytes);
      owed ??= setTimeout(remind, 3 * quiet);
    }
  }

  /** What was sent is owed an answer: where none comes, all that the room lacks is sent anew. */
  function remind(): void {
    owed = undefined;
    // A large change takes long to leave over a slow line.
    if (socket?.bufferedAmount) owed = setTimeout(remind, 3 * quiet);
    else again('The server does not say that it has saved.');
  }

  /** Asks for what an update builds on where that has not come. */
  function closeGap(): void {
    gap = undefined;
    if (doc.store.pendingStructs ?? doc.store.pendingDs) send(wire.step1(doc));
  }

  /** Everything the room lacks. */
  function sendBehind(vector: Uint8Array): void {
    const changes = unsent;
    unsent = 0;
    answered = true;
    sendChanges(wire.step2(doc, vector), changes);
  }

  function settle(connection: SessionStatus['connection'], reason: string | null): void {
    clearTimeout(silence);
    clearTimeout(owed);
    clearTimeout(gap);
    owed = gap = undefined;
    unsent = countUnsynced();
    inFlight = [];
    savedMessages = 0;
    greeted = answered = false;
    waiting = [];
    const others = [...awareness.getStates().keys()].filter((id) => id !== doc.clientID);
    removeAwarenessStates(awareness, others, fromRoom);
    set({ connection, reason });
  }

  function hangUp(): void {
    const old = socket;
    socket = null;
    if (!old) return;
    old.onopen = old.onmessage = old.onclose = null;
    old.close();
  }

  function stop(connection: 'refused' | 'missing' | 'diverged', reason: string): void {
    hangUp();
    clearTimeout(retry);
    settle(connection, reason);
  }

  function again(reason: string | null, connection: 'offline' | 'signedOut' = 'offline'): void {
    hangUp();
    settle(connection, reason);
    clearTimeout(retry);
    // Half of the pause is chance, so that a room's visitors do not all come back at once.
    const pause = Math.min(maxPause, firstPause * 2 ** attempts) * (0.5 + Math.random() / 2);
    attempts += 1;
    retry = setTimeout(connect, pause);
  }

  function heard(): void {
    heardAt = Date.now();
    clearTimeout(silence);
    silence = setTimeout(ask, quiet);
  }

  function ask(): void {
    clearTimeout(silence);
    send(wire.queryAwareness());
    // An answer comes behind the document, which a slow line takes long to bring.
    const patience = greeted && status.connection !== 'live' ? 3 * quiet : quiet / 2;
    silence = setTimeout(() => again('The server stopped answering.'), patience);
  }

  function connect(): void {
    if (destroyed || socket || isFinal(status.connection)) return;
    clearTimeout(retry);
    if (!navigator.onLine) {
      settle('offline', 'This device has no network.');
      return;
    }
    if (!isAway(status.connection)) set({ connection: 'connecting' });
    const opened = new WebSocket(url);
    socket = opened;
    opened.binaryType = 'arraybuffer';
    opened.onopen = () => {
      heard();
      // The epoch must be known first, or a rebuilt brief would be merged into ours.
      void copy.loaded.then(() => {
        if (socket === opened) send(wire.hello(epoch));
      });
    };
    opened.onmessage = (event: MessageEvent<ArrayBuffer>) => {
      heard();
      receive(wire.read(new Uint8Array(event.data)));
    };
    // What went wrong is told to nobody; that it closed, comes after.
    opened.onerror = () => undefined;
    opened.onclose = (event) => {
      socket = null;
      const reason = REASONS[event.code] ?? null;
      if (FINAL.has(event.code)) stop('refused', reason ?? '');
      else if (event.code === wire.CLOSE.missing) stop('missing', reason ?? '');
      else if (event.code === wire.CLOSE.signedOut) again(reason, 'signedOut');
      else again(reason);
    };
  }

  function receive(message: wire.Incoming): void {
    if (message.type === 'hello') {
      greet(message);
      return;
    }
    // A room may ask before it has greeted; nothing leaves until the epochs are known to agree.
    if (!greeted) {
      waiting.push(message);
      return;
    }
    switch (message.type) {
      case 'step1':
        if (status.access === 'read') break;
        sendBehind(message.vector);
        break;
      case 'update':
        Y.applyUpdate(doc, message.update, fromRoom);
        if (message.answer) {
          hasCopy = true;
          set({ synced: true, connection: 'live', reason: onlyReads(status) });
        } else if (doc.store.pendingStructs ?? doc.store.pendingDs) {
          gap ??= setTimeout(closeGap, GAP);
        }
        break;
      case 'awareness':
        applyAwarenessUpdate(awareness, message.update, fromRoom);
        break;
      case 'queryAwareness':
        send(wire.awareness(awareness, [doc.clientID]));
        break;
      case 'saved':
        savedMessages = Math.max(savedMessages, Math.min(message.count, inFlight.length));
        clearTimeout(owed);
        owed = savedMessages < inFlight.length ? setTimeout(remind, 3 * quiet) : undefined;
        set({ unsynced: countUnsynced(), savedAt: Date.now() });
        break;
      case 'unknown':
        break;
    }
  }

  function greet(message: wire.Incoming & { type: 'hello' }): void {
    if (epoch !== '' && message.epoch !== epoch) {
      stop(
        'diverged',
        'This brief was rebuilt on the server. The copy on this device is kept and not mixed in.',
      );
      return;
    }
    epoch = message.epoch;
    copy.remember({ epoch, access: message.access });
    greeted = true;
    attempts = 0;
    set({
      access: message.access,
      reason: onlyReads({ ...status, access: message.access }),
    });
    send(wire.step1(doc));
    if (awareness.getLocalState() !== null) send(wire.awareness(awareness, [doc.clientID]));
    const before = waiting;
    waiting = [];
    before.forEach(receive);
  }

  function onUpdate(bytes: Uint8Array, origin: unknown): void {
    if (!isOwn(origin)) return;
    if (answered) sendChanges(wire.update(bytes), 1);
    else unsent += 1;
    set({ unsynced: countUnsynced() });
  }

  function onAwareness(
    { added, updated, removed }: { added: number[]; updated: number[]; removed: number[] },
    origin: unknown,
  ): void {
    if (origin === fromRoom || !greeted) return;
    send(wire.awareness(awareness, [...added, ...updated, ...removed]));
  }

  const onOnline = () => {
    attempts = 0;
    connect();
  };
  const onBack = () => {
    if (document.visibilityState === 'hidden') return;
    if (isAway(status.connection)) onOnline();
    // A device that slept does not learn that its line is dead.
    else if (socket && Date.now() - heardAt > quiet) ask();
  };
  const onOffline = () => {
    hangUp();
    settle('offline', 'This device has no network.');
  };
  const onLeave = () => removeAwarenessStates(awareness, [doc.clientID], 'left');
  const onReturn = (event: PageTransitionEvent) => {
    // Out of the back-forward cache: the page lives on with its cursor gone.
    if (event.persisted) awareness.setLocalStateField('user', session.user);
  };
  const onBeforeUnload = (event: BeforeUnloadEvent) => {
    if (status.unsynced > 0 && !copy.written()) event.preventDefault();
  };

  doc.on('update', onUpdate);
  awareness.on('update', onAwareness);
  window.addEventListener('online', onOnline);
  window.addEventListener('offline', onOffline);
  // Who signed in again comes back to this page.
  window.addEventListener('focus', onBack);
  document.addEventListener('visibilitychange', onBack);
  window.addEventListener('pagehide', onLeave);
  window.addEventListener('pageshow', onReturn);
  window.addEventListener('beforeunload', onBeforeUnload);

  void copy.loaded.then((remembered) => {
    if (destroyed) return;
    epoch = remembered?.epoch ?? '';
    hasCopy = epoch !== '';
    unsent += remembered?.unsynced ?? 0;
    touched.add(remembered?.touched ?? []);
    set({
      loaded: true,
      kept: remembered !== null,
      access: remembered?.access ?? 'write',
      unsynced: countUnsynced(),
    });
    // Without this the browser may drop the copy when its disk runs full. A refusal changes nothing.
    if (remembered) {
      // Absent where the page is not served from loopback or over https.
      const storage = navigator.storage as StorageManager | undefined;
      void storage?.persist().catch(() => undefined);
    }
  });
  // Beside reading the copy: neither waits for the other.
  connect();

  const session: Session = {
    brief,
    doc,
    awareness,
    user: { ...user },
    status: () => status,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    rename(name) {
      session.user.name = name;
      awareness.setLocalStateField('user', { ...session.user });
    },
    reconnect() {
      attempts = 0;
      connect();
    },
    localCopy: () => plainText(doc),
    async setAside() {
      end();
      await copy.setAside();
      doc.destroy();
    },
    destroy() {
      end();
      copy.close();
      doc.destroy();
    },
  };

  function end(): void {
    if (destroyed) return;
    destroyed = true;
    closed();
    clearTimeout(retry);
    clearTimeout(silence);
    clearTimeout(owed);
    clearTimeout(gap);
    clearTimeout(telling);
    removeAwarenessStates(awareness, [doc.clientID], 'left');
    hangUp();
    doc.off('update', onUpdate);
    touched.end();
    awareness.off('update', onAwareness);
    awareness.destroy();
    window.removeEventListener('online', onOnline);
    window.removeEventListener('offline', onOffline);
    window.removeEventListener('focus', onBack);
    document.removeEventListener('visibilitychange', onBack);
    window.removeEventListener('pagehide', onLeave);
    window.removeEventListener('pageshow', onReturn);
    window.removeEventListener('beforeunload', onBeforeUnload);
    listeners.clear();
  }

  return session;
}
