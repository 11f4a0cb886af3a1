import { announce } from '../desk';
import type { Session } from '../session';
import { Button } from '../ui/Button';
import { Notice } from '../ui/Notice';
import { useReason, useStatusOf } from './useSession';

/** Why nothing more is sent of this brief, with a way to take its words elsewhere. */
export function Stopped({ session }: { session: Session }) {
  const reason = useReason(session);
  const diverged = useStatusOf(session, (status) => status.connection === 'diverged');
  if (!reason) return null;
  // The page is loaded anew, because a session that gave up its copy has ended.
  const takeServers = () => session.setAside().then(() => window.location.reload());
  const copy = () =>
    navigator.clipboard.writeText(session.localCopy()).then(
      () => announce('The text of the brief is copied.'),
      () => announce('The text could not be copied; select it in the brief.'),
    );
  return (
    <div role="alert" className="px-3 pt-2">
      <Notice
        tone="bad"
        title="Not being saved to the server"
        action={
          <span className="flex gap-1.5">
            <Button small onClick={() => void copy()}>
              Copy the text
            </Button>
            {diverged && (
              <Button small onClick={() => void takeServers()}>
                Open the server’s version; keep mine on this device
              </Button>
            )}
          </span>
        }
      >
        {reason}
      </Notice>
    </div>
  );
}
