import type { Session } from './session';
import { isFinal } from './status';

/** Whether all that was changed here reached the server, once it has; false after so long without. */
export function saved(
  session: Pick<Session, 'status' | 'subscribe'>,
  milliseconds = 30_000,
): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (answer: boolean) => {
      clearTimeout(timer);
      unsubscribe();
      resolve(answer);
    };
    const look = () => {
      const { unsynced, connection } = session.status();
      if (unsynced === 0) end(true);
      else if (isFinal(connection)) end(false);
    };
    const unsubscribe = session.subscribe(look);
    const timer = setTimeout(() => end(false), milliseconds);
    look();
  });
}
