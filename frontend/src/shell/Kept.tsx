import { useCallback, useEffect, useRef, useState } from 'react';
import * as Y from 'yjs';

import { announce } from '../desk';
import type { BriefHandle } from '../panes/brief';
import {
  forgetCopy,
  isAway,
  keepCopy,
  type KeptCopy,
  keptCopies,
  plainText,
  type Session,
  TITLE,
} from '../session';
import { Button } from '../ui/Button';
import { Confirm } from '../ui/Dialog';
import { Notice } from '../ui/Notice';
import { count } from '../ui/words';
import { copyWords } from './Stopped';
import { useStatusOf } from './useSession';

interface KeptProps {
  session: Session;
  handle: BriefHandle | null;
}

/** The copies of this brief from before it was rebuilt on the server, until the person is done. */
export function Kept({ session, handle }: KeptProps) {
  const { brief } = session;
  const [copies, setCopies] = useState<KeptCopy[]>([]);
  const [leaving, setLeaving] = useState<string | null>(null);
  const ready = useStatusOf(session, ({ connection, synced }) => synced && connection === 'live');
  const reads = useStatusOf(session, ({ access }) => access === 'read');
  const away = useStatusOf(session, ({ connection }) => isAway(connection));

  const look = useCallback(
    () =>
      keptCopies(brief).then((found) =>
        setCopies((old) => (found.length + old.length ? found : old)),
      ),
    [brief],
  );
  useEffect(() => void look(), [look]);

  const offer = useCallback(
    (copy: KeptCopy, all: boolean) =>
      alone(copy.id, async () => {
        const [now] = (await keptCopies(brief)).filter(({ id }) => id === copy.id);
        // Another window of this browser was at it.
        if (!now || (now.offered && !all)) return look();
        if (!handle) return;
        const touched = all || now.touched.length === 0 ? null : now.touched;
        const { saved } = await handle.suggestCopy(docOf(now), touched);
        // Not marked before the server has it: suggesting the same again changes nothing.
        if (!saved) return;
        await keepCopy({ ...now, offered: true });
        announce('This brief was rebuilt on the server; your changes are kept as suggestions.');
        await look();
      }),
    [brief, handle, look],
  );

  // Once for each time the room is entered.
  const tried = useRef(new Set<string>());
  useEffect(() => {
    if (!ready) tried.current.clear();
    if (!ready || reads || !handle) return;
    for (const copy of copies) {
      if (copy.offered || copy.unsynced === 0 || tried.current.has(copy.id)) continue;
      tried.current.add(copy.id);
      void offer(copy, false);
    }
  }, [copies, ready, reads, handle, offer]);

  return (
    <div role="status">
      {copies.map((copy) => (
        <div key={copy.id} className="px-3 pt-2">
          <Notice
            tone="warn"
            title="This brief was rebuilt on the server"
            action={
              <>
                {!reads && copy.unsynced === 0 && !copy.offered && (
                  <Button small disabled={!ready} onClick={() => void offer(copy, true)}>
                    Suggest what differs
                  </Button>
                )}
                <Button small onClick={() => void copyWords(plainText(docOf(copy)))}>
                  Copy my text
                </Button>
                <Button small onClick={() => setLeaving(copy.id)}>
                  Remove my copy…
                </Button>
              </>
            }
          >
            {wordsOf(copy, reads, away)}
          </Notice>
        </div>
      ))}
      <Confirm
        open={leaving !== null}
        onOpenChange={() => setLeaving(null)}
        title="Remove your copy from before?"
        action="Remove my copy"
        onConfirm={() => void forgetCopy(leaving ?? '').then(look)}
      >
        <p>
          It is removed from this device, and nothing else holds it. What was suggested of it stays
          in the brief.
        </p>
      </Confirm>
    </div>
  );
}

/** What became of the changes of a kept copy. */
export function wordsOf(copy: KeptCopy, reads: boolean, away: boolean): string {
  const what = `your ${count(copy.unsynced, 'change')}`;
  const are = copy.unsynced === 1 ? 'is' : 'are';
  const stays = ' Your copy from before stays on this device until you remove it.';
  if (copy.offered) {
    const said = copy.touched.includes(TITLE)
      ? ` Your title was “${docOf(copy).getText(TITLE).toJSON()}”.`
      : '';
    if (copy.unsynced === 0) return `What differs in your copy is suggested.${stays}`;
    return `${upper(what)} ${are} kept as suggestions.${said}${stays}`;
  }
  if (copy.unsynced === 0) return `Nothing of yours was waiting to be saved.${stays}`;
  if (reads)
    return `You may only read it now: ${what} ${are} kept on this device, and can be copied.`;
  if (away) return `${upper(what)} ${are} kept on this device, and suggested once it is back.`;
  return `${upper(what)} ${are} being put in as suggestions.`;
}

function upper(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function docOf(copy: KeptCopy): Y.Doc {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, copy.update);
  return doc;
}

/** In one window of this browser after the other. */
async function alone(name: string, work: () => Promise<void>): Promise<void> {
  // Absent where the page is not served from loopback or over https.
  const locks = navigator.locks as LockManager | undefined;
  await (locks ? locks.request(`stratmaster/kept/${name}`, work) : work());
}
