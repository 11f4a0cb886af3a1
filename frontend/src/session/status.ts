import type { Access } from './wire';

/**
 * How this browser stands to the brief's room.
 * `signedOut`: the server knows nobody here; it is asked again. `refused`: access was taken away, or
 * a change made here was not taken; `missing`: there is no such brief; `diverged`: the server's copy
 * is another document than ours. In these three the local copy is kept and nothing is sent.
 */
export type Connection =
  'connecting' | 'live' | 'offline' | 'signedOut' | 'refused' | 'missing' | 'diverged';

export interface SessionStatus {
  connection: Connection;
  /** Local changes the server has not yet said are durable. Survives a reload. */
  unsynced: number;
  access: Access;
  /** The document holds all the server had at the last handshake of this page. */
  synced: boolean;
  /** Whether typing may be let in: never into a document whose content is still on its way. */
  editable: boolean;
  /** The copy on this device has been read, or there is none. */
  loaded: boolean;
  /** Changes are also kept on this device. */
  kept: boolean;
  /** When the server last confirmed, in milliseconds since 1970. */
  savedAt: number | null;
  /** What to tell the person when something is wrong. */
  reason: string | null;
}

export const BEGINNING: SessionStatus = {
  connection: 'connecting',
  unsynced: 0,
  access: 'write',
  synced: false,
  editable: false,
  loaded: false,
  kept: false,
  savedAt: null,
  reason: null,
};

/** Out of the server's reach, so that the copy on this device is written in. */
export function isAway(connection: Connection): boolean {
  return connection === 'offline' || connection === 'signedOut';
}

/** A state that trying again by itself would not change. */
export function isFinal(connection: Connection): boolean {
  return connection === 'refused' || connection === 'missing' || connection === 'diverged';
}

/** Derived here and nowhere else: what a person may type into. */
export function isEditable(status: SessionStatus, copy: boolean): boolean {
  if (status.access !== 'write' || isFinal(status.connection)) return false;
  return status.synced || (copy && isAway(status.connection));
}
