import { openSession, type Session } from '../session';
import { currentPerson } from './person';

/* A brief is read and asked for while the page's code is still on its way: this file is in the
   first piece of it, so it must not come to need the editor or the panes. */

let early: Session | null = null;

/** Opens a brief's session before there is a page to show it. */
export function openEarly(brief: string): void {
  early = openSession(brief, currentPerson());
}

/** The session that was opened early, if it is of this brief; a new one otherwise. */
export function takeSession(brief: string): Session {
  const waiting = early;
  early = null;
  if (waiting?.brief === brief) return waiting;
  waiting?.destroy();
  return openSession(brief, currentPerson());
}
