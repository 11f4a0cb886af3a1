import 'fake-indexeddb/auto';

import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket as WsSocket } from 'ws';
import * as Y from 'yjs';

import { forgetCopy, keptCopies } from './kept';
import { openSession, type Session, type SessionOptions } from './session';
import { openTestRoom, type TestRoom } from './testRoom';
import { CLOSE } from './wire';

// jsdom's own socket cannot dispatch its events under Node; this one speaks the same interface.
vi.stubGlobal('WebSocket', WsSocket);

const ME = { name: 'Ada', color: '#336699' };
let room: TestRoom;
let open: Session[] = [];

function enter(url = room.url, options: SessionOptions = {}): Session {
  const session = openSession('brf_1', { ...ME }, { url, pause: 5, maxPause: 20, ...options });
  open.push(session);
  return session;
}

function leave(session: Session): void {
  session.destroy();
  open = open.filter((one) => one !== session);
}

function type(session: Session, words: string): void {
  session.doc.getText('title').insert(session.doc.getText('title').length, words);
}

const title = (doc: Y.Doc) => doc.getText('title').toJSON();
const until = (check: () => void) => vi.waitFor(check, { timeout: 4000, interval: 5 });
const live = (session: Session) =>
  until(() =>
    expect(session.status()).toMatchObject({ connection: 'live', synced: true, editable: true }),
  );

beforeEach(async () => {
  vi.stubGlobal('indexedDB', new IDBFactory());
  room = await openTestRoom();
  room.doc.getText('title').insert(0, 'Seed');
});

afterEach(async () => {
  for (const session of open) session.destroy();
  open = [];
  await room.close();
});

describe('a session', () => {
  it('lets nobody type before the document has arrived', async () => {
    const session = enter();
    expect(session.status().editable).toBe(false);
    await live(session);
    expect(title(session.doc)).toBe('Seed');
    expect(session.status().unsynced).toBe(0);
  });

  it('counts each change until the server says that it is durable', async () => {
    const session = enter();
    await live(session);
    await until(() => expect(session.status().savedAt).not.toBeNull());
    room.saving = false;
    type(session, 'a');
    type(session, 'b');
    type(session, 'c');
    await until(() => expect(title(room.doc)).toBe('Seedabc'));
    expect(session.status().unsynced).toBe(3);
    room.save();
    await until(() => expect(session.status().unsynced).toBe(0));
  });

  it('asks for what was lost on the way to it', async () => {
    const [session, other] = [enter(), enter()];
    await live(session);
    await live(other);
    room.losesOut = 1;
    type(other, 'a');
    await until(() => expect(room.losesOut).toBe(0));
    type(other, 'b');
    await until(() => expect(title(session.doc)).toBe('Seedab'));
  });

  it('brings again what the room says nothing of', async () => {
    const session = enter(room.url, { quiet: 50 });
    await live(session);
    room.losesIn = 1;
    type(session, 'a');
    await until(() => expect(title(room.doc)).toBe('Seeda'));
    await until(() => expect(session.status().unsynced).toBe(0));
    expect(room.opened).toBeGreaterThan(1);
  });

  it('keeps what was sent but not confirmed in the count across a broken connection', async () => {
    const session = enter();
    await live(session);
    room.saving = false;
    type(session, 'a');
    await until(() => expect(title(room.doc)).toBe('Seeda'));
    room.hangUp();
    await until(() => expect(session.status().connection).toBe('offline'));
    type(session, 'b');
    expect(session.status().unsynced).toBe(2);
    room.saving = true;
    await live(session);
    await until(() => expect(session.status().unsynced).toBe(0));
    expect(title(room.doc)).toBe('Seedab');
  });

  it('remembers text and count over a reload without a server, and doubles nothing on return', async () => {
    const first = enter();
    await live(first);
    await until(() => expect(first.status().unsynced).toBe(0));
    const port = Number(new URL(room.url).port);
    const kept = room.doc;
    await room.close();
    await until(() => expect(first.status().connection).toBe('offline'));
    expect(first.status().editable).toBe(true);
    type(first, ' one');
    type(first, ' two');
    expect(first.status()).toMatchObject({ unsynced: 2, kept: true });
    leave(first);

    const second = enter();
    await until(() => expect(second.status()).toMatchObject({ loaded: true, unsynced: 2 }));
    await until(() => expect(second.status().editable).toBe(true));
    expect(title(second.doc)).toBe('Seed one two');
    type(second, ' three');
    expect(second.status().unsynced).toBe(3);

    room = await openTestRoom(port);
    room.doc = kept;
    second.reconnect();
    await live(second);
    await until(() => expect(second.status().unsynced).toBe(0));
    expect(title(room.doc)).toBe('Seed one two three');
  });

  it('mixes nothing into a brief that was rebuilt, and keeps its own copy', async () => {
    const first = enter();
    await live(first);
    await until(() => expect(first.status().unsynced).toBe(0));
    leave(first);

    room.epoch = 'second';
    room.doc = new Y.Doc();
    room.doc.getText('title').insert(0, 'Rebuilt');
    const received = room.received;
    const second = enter();
    await until(() => expect(second.status().connection).toBe('diverged'));
    expect(title(second.doc)).toBe('Seed');
    expect(title(room.doc)).toBe('Rebuilt');
    expect(room.received).toBe(received);
    expect(second.status().editable).toBe(false);

    await second.setAside();
    open = [];
    const third = enter();
    await live(third);
    expect(title(third.doc)).toBe('Rebuilt');
    const [kept, ...more] = await keptCopies('brf_1');
    expect(more).toEqual([]);
    expect(kept).toMatchObject({ unsynced: 0, touched: [], offered: false });
    const copy = new Y.Doc();
    Y.applyUpdate(copy, kept?.update ?? new Uint8Array());
    expect(title(copy)).toBe('Seed');
    await forgetCopy(kept?.id ?? '');
    expect(await keptCopies('brf_1')).toEqual([]);
  });

  it('knows which blocks were touched since they were saved, over a reload, and forgets them once saved', async () => {
    const block = (id: string, words: string) => {
      const node = new Y.XmlElement('paragraph');
      node.setAttribute('id', id);
      node.insert(0, [new Y.XmlText(words)]);
      return node;
    };
    const body = (doc: Y.Doc) => doc.getXmlFragment('body');
    const words = (doc: Y.Doc, n: number) => (body(doc).get(n) as Y.XmlElement).get(0) as Y.XmlText;
    body(room.doc).push([block('first', 'a'), block('second', 'b'), block('third', 'c')]);
    const before = enter();
    await live(before);
    words(before.doc, 0).insert(1, 'saved');
    await until(() => expect(before.status()).toMatchObject({ unsynced: 0 }));
    await until(() => expect(room.doc.getXmlFragment('body').toJSON()).toContain('asaved'));
    room.saving = false;
    words(before.doc, 1).insert(1, '!');
    leave(before);

    room.epoch = 'second';
    const after = enter();
    await until(() => expect(after.status().connection).toBe('diverged'));
    // What is changed now counts, too, and so do blocks that come and go.
    body(after.doc).delete(2, 1);
    body(after.doc).push([block('fourth', 'd')]);
    await after.setAside();
    open = [];
    const [kept] = await keptCopies('brf_1');
    expect(kept?.unsynced).toBe(3);
    expect([...(kept?.touched ?? [])].sort()).toEqual(['fourth', 'second', 'third']);
  });

  it('keeps the copy of a rebuilt brief in the page where the browser keeps nothing', async () => {
    const session = enter();
    await live(session);
    await until(() => expect(session.status().unsynced).toBe(0));
    vi.stubGlobal('indexedDB', undefined);
    room.saving = false;
    type(session, ' mine');
    room.epoch = 'second';
    room.hangUp();
    await until(() => expect(session.status().connection).toBe('diverged'));
    await session.setAside();
    open = [];
    const [kept] = await keptCopies('brf_1');
    expect(kept).toMatchObject({ unsynced: 1, touched: ['title'] });
    await forgetCopy(kept?.id ?? '');
    expect(await keptCopies('brf_1')).toEqual([]);
  });

  it('goes on after a login that ended, and sends what was written once somebody signed in', async () => {
    const session = enter();
    await live(session);
    await until(() => expect(session.status().unsynced).toBe(0));
    room.turnAway = CLOSE.signedOut;
    room.hangUp(CLOSE.signedOut);
    await until(() => expect(session.status().connection).toBe('signedOut'));
    expect(session.status()).toMatchObject({ editable: true, kept: true });
    expect(session.status().reason).toContain('signed out');
    type(session, ' kept');
    // It knocks, and is not told otherwise.
    const { opened } = room;
    await until(() => expect(room.opened).toBeGreaterThan(opened + 1));
    expect(session.status()).toMatchObject({ connection: 'signedOut', unsynced: 1 });
    room.turnAway = null;
    window.dispatchEvent(new Event('focus'));
    await live(session);
    await until(() => expect(session.status().unsynced).toBe(0));
    expect(title(room.doc)).toBe('Seed kept');
  });

  it('says so when the disk is full, goes on, and asks before the page is left', async () => {
    const session = enter();
    await live(session);
    await until(() => expect(session.status()).toMatchObject({ unsynced: 0, kept: true }));
    const leaving = () => {
      const event = new Event('beforeunload', { cancelable: true });
      window.dispatchEvent(event);
      return event.defaultPrevented;
    };
    room.saving = false;
    type(session, ' one');
    // Not yet on the disk.
    expect(leaving()).toBe(true);
    await until(() => expect(leaving()).toBe(false));
    const add = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
      throw new DOMException('no room', 'QuotaExceededError');
    });
    try {
      type(session, ' two');
      await until(() => expect(session.status().kept).toBe(false));
      expect(session.status()).toMatchObject({ unsynced: 2, editable: true });
      expect(leaving()).toBe(true);
      room.save();
      await until(() => expect(session.status().unsynced).toBe(0));
      expect(leaving()).toBe(false);
      expect(title(room.doc)).toBe('Seed one two');
    } finally {
      add.mockRestore();
    }
  });

  it('opens without storage, and is then written in once the document has come', async () => {
    vi.stubGlobal('indexedDB', undefined);
    const session = enter();
    await live(session);
    expect(session.status().kept).toBe(false);
    room.saving = false;
    type(session, '!');
    const event = new Event('beforeunload', { cancelable: true });
    window.dispatchEvent(event);
    expect(event.defaultPrevented).toBe(true);
  });

  it('keeps what two windows of one device wrote, once, and counts for both', async () => {
    const first = enter();
    await live(first);
    const second = enter();
    await live(second);
    await until(() => expect([first.status().unsynced, second.status().unsynced]).toEqual([0, 0]));
    const port = Number(new URL(room.url).port);
    const kept = room.doc;
    await room.close();
    for (const session of [first, second])
      await until(() => expect(session.status().connection).toBe('offline'));
    type(first, ' one');
    type(first, ' more');
    type(second, ' two');
    expect([first.status().unsynced, second.status().unsynced]).toEqual([2, 1]);
    await until(() => {
      const event = new Event('beforeunload', { cancelable: true });
      window.dispatchEvent(event);
      expect(event.defaultPrevented).toBe(false);
    });
    leave(first);
    leave(second);

    const third = enter();
    await until(() => expect(third.status()).toMatchObject({ loaded: true, unsynced: 3 }));
    room = await openTestRoom(port);
    room.doc = kept;
    third.reconnect();
    await live(third);
    await until(() => expect(third.status().unsynced).toBe(0));
    for (const words of ['Seed', ' one', ' more', ' two'])
      expect(title(room.doc).split(words)).toHaveLength(2);
    leave(third);
    const fourth = enter();
    await until(() => expect(fourth.status()).toMatchObject({ loaded: true, unsynced: 0 }));
    expect(title(fourth.doc)).toBe(title(room.doc));
  });

  it('makes one of many stored changes and loses none, not those of another window either', async () => {
    const first = enter();
    const second = enter();
    await live(first);
    await live(second);
    for (let n = 0; n < 1200; n += 1) {
      type(n % 3 ? first : second, `${n % 10}`);
      if (n % 20 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    for (const session of [first, second])
      await until(() => expect(session.status().unsynced).toBe(0));
    await until(() => expect(title(first.doc)).toBe(title(second.doc)));
    const said = title(first.doc);
    expect(said).toHaveLength(1204);
    leave(first);
    leave(second);
    await room.close();
    const third = enter();
    await until(() => expect(third.status().loaded).toBe(true));
    expect(title(third.doc)).toBe(said);
    const stored = await new Promise<number>((resolve) => {
      const request = indexedDB.open('stratmaster/brief/brf_1', 1);
      request.onsuccess = () => {
        const store = request.result.transaction('updates').objectStore('updates');
        store.count().onsuccess = (event) => resolve((event.target as IDBRequest<number>).result);
      };
    });
    expect(stored).toBeLessThan(600);
  });

  it('tries at once when the page is looked at again', async () => {
    const session = enter(room.url, { pause: 60_000, maxPause: 60_000 });
    await live(session);
    room.hangUp();
    await until(() => expect(session.status().connection).toBe('offline'));
    document.dispatchEvent(new Event('visibilitychange'));
    await live(session);
  });

  it('leaves a dead line after a sleep, which nothing told of', async () => {
    const session = enter(room.url, { quiet: 200 });
    await live(session);
    room.deaf = true;
    const { opened } = room;
    const now = Date.now();
    const clock = vi.spyOn(Date, 'now').mockReturnValue(now + 3_600_000);
    try {
      document.dispatchEvent(new Event('visibilitychange'));
    } finally {
      clock.mockRestore();
    }
    await until(() => expect(session.status().connection).toBe('offline'));
    room.deaf = false;
    await live(session);
    expect(room.opened).toBeGreaterThan(opened);
  });

  it('stops for good and keeps the text when access is taken away', async () => {
    const session = enter();
    await live(session);
    room.saving = false;
    type(session, ' mine');
    room.hangUp(CLOSE.refused);
    await until(() => expect(session.status().connection).toBe('refused'));
    session.reconnect();
    expect(session.status()).toMatchObject({ connection: 'refused', editable: false, unsynced: 1 });
    expect(session.localCopy()).toContain('Seed mine');
  });

  it.each([
    ['malformed', CLOSE.malformed, 'could not read'],
    ['too large', CLOSE.tooLarge, 'larger than'],
    ['too large for the socket', CLOSE.tooLargeForSocket, 'larger than'],
  ])('sends a change that was refused as %s only once', async (_, code, words) => {
    const session = enter();
    await live(session);
    await until(() => expect(session.status().unsynced).toBe(0));
    room.largest = 1000;
    room.tooLarge = code;
    type(session, 'x'.repeat(1000));
    await until(() => expect(session.status().connection).toBe('refused'));
    expect(session.status()).toMatchObject({ editable: false, unsynced: 1, kept: true });
    expect(session.status().reason).toContain(words);
    expect(session.status().reason).toContain('stays on this device');
    expect(session.localCopy()).toContain('x'.repeat(1000));
    session.reconnect();
    window.dispatchEvent(new Event('online'));
    expect(session.status().connection).toBe('refused');
    await until(() => expect(room.connections()).toBe(0));
    expect(room.opened).toBe(1);
    leave(session);

    // After a reload it is tried once more, and once only.
    const again = enter();
    await until(() => expect(again.status().connection).toBe('refused'));
    expect(again.status().unsynced).toBe(1);
    expect(title(again.doc)).toBe(`Seed${'x'.repeat(1000)}`);
    expect(room.opened).toBe(2);
  });

  it('does not begin to send what is larger than a room takes', async () => {
    const session = enter(room.url, { largest: 1000 });
    await live(session);
    await until(() => expect(session.status().unsynced).toBe(0));
    const received = room.received;
    type(session, 'x'.repeat(1000));
    expect(session.status()).toMatchObject({ connection: 'refused', unsynced: 1 });
    await until(() => expect(room.connections()).toBe(0));
    expect(room.received).toBe(received);
    expect(session.localCopy()).toContain('x'.repeat(1000));
    leave(session);

    // What was typed is all sent in one message on return.
    const again = enter(room.url, { largest: 1000 });
    await until(() => expect(again.status().connection).toBe('refused'));
    expect(again.status().unsynced).toBe(1);
    expect(room.received).toBe(received);
  });

  it.each([CLOSE.slow, CLOSE.storeFailed, 1001, 1011, 1012])(
    'comes back after %s, which passes',
    async (code) => {
      const session = enter();
      await live(session);
      room.hangUp(code);
      await until(() => expect(room.opened).toBe(2));
      await live(session);
    },
  );

  it('stays on one connection where nothing is said for long', async () => {
    const session = enter(room.url, { quiet: 10 });
    await live(session);
    await until(() => expect(room.queried).toBeGreaterThan(5));
    expect(session.status().connection).toBe('live');
    expect(room.opened).toBe(1);
  });

  it('waits for a document that a slow line takes long to bring', async () => {
    room.slow = 300;
    const session = enter(room.url, { quiet: 100 });
    await live(session);
    expect(room.opened).toBe(1);
  });

  it('says that a brief is missing', async () => {
    const session = enter();
    await live(session);
    room.hangUp(CLOSE.missing);
    await until(() => expect(session.status().connection).toBe('missing'));
  });

  it('comes back as a reader once it may only read, and sends what it kept once it may write again', async () => {
    const session = enter();
    await live(session);
    await until(() => expect(session.status().unsynced).toBe(0));
    // Back within milliseconds, so that it is typed in the very moment of being away.
    const leave = session.subscribe(() => {
      if (session.status().connection !== 'offline') return;
      leave();
      type(session, ' kept');
    });
    room.access = 'read';
    room.hangUp(CLOSE.changed);
    await until(() =>
      expect(session.status()).toMatchObject({ connection: 'live', access: 'read' }),
    );
    expect(session.status()).toMatchObject({ editable: false, unsynced: 1 });
    expect(session.status().reason).toContain('only read');
    expect(session.localCopy()).toContain('Seed kept');
    expect(title(room.doc)).toBe('Seed');
    room.access = 'write';
    room.hangUp(CLOSE.changed);
    await live(session);
    await until(() => expect(session.status().unsynced).toBe(0));
    expect(title(room.doc)).toBe('Seed kept');
  });

  it('sends no change to a room it may only read', async () => {
    room.access = 'read';
    const session = enter();
    await until(() => expect(session.status()).toMatchObject({ synced: true, access: 'read' }));
    expect(session.status().editable).toBe(false);
    expect(room.received).toBe(0);
  });

  it('shows two people to each other, and forgets who left', async () => {
    const ada = enter();
    await live(ada);
    const bob = openSession('brf_2', { name: 'Bob', color: '#993333' }, { url: room.url });
    open.push(bob);
    await live(bob);
    ada.rename('Ada L.');
    const names = () =>
      [...bob.awareness.getStates().values()].map((state) => (state.user as typeof ME).name);
    await until(() => expect(names().sort()).toEqual(['Ada L.', 'Bob']));
    leave(ada);
    await until(() => expect(names()).toEqual(['Bob']));
  });
});
