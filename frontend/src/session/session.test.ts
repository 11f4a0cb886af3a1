import 'fake-indexeddb/auto';

import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket as WsSocket } from 'ws';
import * as Y from 'yjs';

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
  globalThis.indexedDB = new IDBFactory();
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
