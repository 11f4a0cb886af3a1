import { announce } from '../desk';
import { isFinal, type Session } from '../session';
import { Button } from '../ui/Button';
import { Notice } from '../ui/Notice';
import { useReason, useStatusOf } from './useSession';

/** Puts the words of a brief on the clipboard, and says whether that went well. */
export function copyWords(words: string): Promise<void> {
  // Absent where the page is not served from loopback or over https.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  const refused = () => announce('The text could not be copied; select it in the brief.');
  if (!clipboard) {
    refused();
    return Promise.resolve();
  }
  return clipboard
    .writeText(words)
    .then(() => announce('The text of the brief is copied.'), refused);
}

/** Why nothing more is sent of this brief, with the ways out. */
export function Stopped({ session }: { session: Session }) {
  const reason = useReason(session);
  const signedOut = useStatusOf(session, ({ connection }) => connection === 'signedOut');
  const over = useStatusOf(session, ({ connection }) => isFinal(connection));
  const unkept = useStatusOf(session, ({ loaded, kept, access, connection }) => {
    return loaded && !kept && access === 'write' && !isFinal(connection);
  });
  return (
    <div role="alert">
      {reason && (
        <div className="px-3 pt-2">
          <Notice
            tone={signedOut ? 'warn' : 'bad'}
            title="Not being saved to the server"
            action={
              <>
                {signedOut && (
                  // In a window of its own, so that nothing here is lost; this one hears of it.
                  <Button
                    small
                    look="primary"
                    onClick={() => void window.open('/', '_blank', 'noopener')}
                  >
                    Sign in again
                  </Button>
                )}
                {over && (
                  <Button small onClick={() => window.location.reload()}>
                    Try again
                  </Button>
                )}
                <Button small onClick={() => void copyWords(session.localCopy())}>
                  Copy the text
                </Button>
              </>
            }
          >
            {reason}
          </Notice>
        </div>
      )}
      {unkept && (
        <div className="px-3 pt-2">
          <Notice
            tone="warn"
            title="No copy is kept on this device"
            action={
              <Button small onClick={() => void copyWords(session.localCopy())}>
                Copy the text
              </Button>
            }
          >
            The browser’s storage is full or forbidden to this page. What is not saved yet is in
            this page only: keep it open until the header says “saved”.
          </Notice>
        </div>
      )}
    </div>
  );
}
