import { announce } from '../desk';
import type { Session } from '../session';
import { Button } from '../ui/Button';
import { Notice } from '../ui/Notice';
import { useReason } from './useSession';

/** Why nothing more is sent of this brief, with a way to take its words elsewhere. */
export function Stopped({ session }: { session: Session }) {
  const reason = useReason(session);
  if (!reason) return null;
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
          <Button small onClick={() => void copy()}>
            Copy the text
          </Button>
        }
      >
        {reason}
      </Notice>
    </div>
  );
}
