import { useEffect, useState, useSyncExternalStore } from 'react';
import type { Text } from 'yjs';

import { claimsChanged } from '../claims';
import { announce, setSync } from '../desk';
import { isFinal, openSession, type Session, type SessionStatus } from '../session';
import { takeSession } from './early';
import { currentPerson } from './person';
import { syncWords } from './syncWords';

/** The open session of a brief; null without one, and for a moment between two. */
export function useSession(brief: string | null): Session | null {
  const [session, setSession] = useState<Session | null>(null);
  useEffect(() => {
    if (!brief) return;
    let opened = takeSession(brief);
    let left = false;
    let leave: () => void;
    let savedAt: number | null = null;
    let spoken = '';
    const begin = () => {
      // The session lives exactly as long as this effect: it cannot be made while rendering.
      setSession(opened);
      leave = opened.subscribe(follow);
      follow();
    };
    /** What this device has of a brief that was rebuilt is kept apart; one begins with the server's. */
    const beginAnew = async () => {
      leave();
      await opened.setAside();
      if (left) return;
      opened = openSession(brief, currentPerson());
      begin();
    };
    const follow = () => {
      const status = opened.status();
      setSync({
        connection: status.connection,
        unsynced: status.unsynced,
        kept: status.kept || !status.loaded,
        savedAt: status.savedAt,
      });
      if (status.savedAt !== savedAt) {
        savedAt = status.savedAt;
        claimsChanged(brief);
      }
      // Only a change of state is spoken; every keystroke changes the count.
      if (status.connection !== spoken) {
        if (spoken) announce(syncWords(status).text);
        spoken = status.connection;
      }
      if (status.connection === 'diverged') void beginAnew();
    };
    begin();
    return () => {
      left = true;
      leave();
      opened.destroy();
      setSession(null);
      setSync({ connection: 'connecting', unsynced: 0, kept: true, savedAt: null });
    };
  }, [brief]);
  return session?.brief === brief ? session : null;
}

/** What a part of the page makes of the status; it is drawn anew only when that differs. */
export function useStatusOf<T extends string | boolean>(
  session: Session,
  pick: (status: SessionStatus) => T,
): T {
  return useSyncExternalStore(
    (listener) => session.subscribe(listener),
    () => pick(session.status()),
  );
}

/** Why the server takes nothing more of this brief; null while it does, or may again. */
export function useReason(session: Session): string | null {
  return useSyncExternalStore(
    (listener) => session.subscribe(listener),
    () => {
      const { connection, access, reason } = session.status();
      // What is about to begin anew is told of by what it begins with.
      if (connection === 'diverged') return null;
      return isFinal(connection) || connection === 'signedOut' || access === 'read' ? reason : null;
    },
  );
}

export interface Visitor {
  client: number;
  /** Of the browser: the same in each of its windows. */
  id: string | null;
  name: string;
  color: string;
}

/** Who else has this brief open; one person in two windows is two visitors. */
export function useVisitors(session: Session | null): Visitor[] {
  const [visitors, setVisitors] = useState<Visitor[]>([]);
  useEffect(() => {
    if (!session) return;
    const { awareness } = session;
    const read = () => {
      const next: Visitor[] = [];
      for (const [client, state] of awareness.getStates()) {
        const user = (state as { user?: Partial<Visitor> }).user;
        if (client === awareness.clientID || !user?.name) continue;
        next.push({
          client,
          id: user.id ?? null,
          name: user.name,
          color: user.color ?? '#777',
        });
      }
      next.sort((a, b) => a.client - b.client);
      // A moving cursor is no news here.
      setVisitors((old) => (JSON.stringify(old) === JSON.stringify(next) ? old : next));
    };
    awareness.on('change', read);
    read();
    return () => {
      awareness.off('change', read);
      setVisitors([]);
    };
  }, [session]);
  return visitors;
}

/** The title as it stands in the shared document, and a way to change it. */
export function useTitle(session: Session | null): [string, (title: string) => void] {
  const [title, setTitle] = useState('');
  useEffect(() => {
    document.title = title ? `${title} · StratMaster` : 'StratMaster';
  }, [title]);
  useEffect(() => {
    if (!session) return;
    const text = session.doc.getText('title');
    const read = () => setTitle(text.toJSON());
    text.observe(read);
    read();
    return () => {
      text.unobserve(read);
      setTitle('');
    };
  }, [session]);
  return [
    title,
    (next) => {
      if (session) replaceText(session.doc.getText('title'), next);
    },
  ];
}

/** Changes only what differs, so that two people renaming at once do not double the title. */
export function replaceText(text: Text, next: string): void {
  const old = text.toJSON();
  if (old === next) return;
  let head = 0;
  while (head < old.length && head < next.length && old[head] === next[head]) head += 1;
  let tail = 0;
  while (
    tail < old.length - head &&
    tail < next.length - head &&
    old[old.length - 1 - tail] === next[next.length - 1 - tail]
  ) {
    tail += 1;
  }
  const change = () => {
    if (old.length - tail > head) text.delete(head, old.length - tail - head);
    if (next.length - tail > head) text.insert(head, next.slice(head, next.length - tail));
  };
  if (text.doc) text.doc.transact(change);
  else change();
}
