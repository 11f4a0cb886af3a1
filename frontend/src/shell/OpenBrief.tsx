import { memo, useCallback, useEffect, useMemo, useRef, useState } from 'react';

import { get, type Hit, request } from '../api';
import { useClaims } from '../claims';
import { getCommentDesk } from '../comments';
import {
  announce,
  getPlace,
  go,
  type Mode,
  select,
  setBriefPort,
  subscribePlace,
  usePlace,
} from '../desk';
import { useStatusesElsewhere } from '../exports';
import { BriefPane, type BriefHandle } from '../panes/brief';
import type { Session } from '../session';
import { cite, knownEvidence, useEvidence, useEvidenceVersion } from '../sources';
import { Kept } from './Kept';
import { Stopped } from './Stopped';
import { useStatusOf } from './useSession';

interface OpenBriefProps {
  space: string;
  session: Session;
  mode: Mode;
}

/** Joins the brief pane to the selection, the evidence and the claims. */
export const OpenBrief = memo(function OpenBrief({ space, session, mode }: OpenBriefProps) {
  const editable = useStatusOf(session, (status) => status.editable);
  const readOnly = useStatusOf(session, (status) => status.access === 'read');
  const place = usePlace();
  const report = useClaims(session.brief);
  const claims = useMemo(() => report.data?.claims ?? [], [report.data]);
  const statuses = useStatusesElsewhere(session.brief);
  const [order, setOrder] = useState<readonly string[]>([]);
  useEvidence(order);
  const evidenceVersion = useEvidenceVersion();
  const [handle, setHandle] = useState<BriefHandle | null>(null);
  const found = useRef(new Map<string, Hit>());

  useEffect(() => {
    setBriefPort(editable && mode !== 'read' ? handle : null);
    return () => setBriefPort(null);
  }, [editable, mode, handle]);

  const latest = useRef(claims);
  useEffect(() => {
    latest.current = claims;
  }, [claims]);

  // A selection made in another pane is scrolled to here.
  useEffect(() => {
    let last = getPlace().sel;
    return subscribePlace(() => {
      const { sel } = getPlace();
      if (sel === last) return;
      last = sel;
      if (!sel || document.activeElement?.closest('[data-pane="brief"]')) return;
      if (sel.kind === 'cite') handle?.reveal({ cite: sel.id });
      if (sel.kind === 'block') handle?.reveal({ block: sel.id });
      if (sel.kind === 'claim') {
        const claim = latest.current.find((item) => item.hash === sel.id);
        if (claim) handle?.reveal({ block: claim.block, text: claim.text });
      }
    });
  }, [handle]);

  const onSelectBlock = useCallback((block: string, sentence: string) => {
    const text = sentence.trim();
    const claim = latest.current.find((item) => item.block === block && item.text.trim() === text);
    const { sel } = getPlace();
    // A comment stays chosen while the caret is in its words.
    if (sel?.kind === 'comment' && getCommentDesk().port?.at() === sel.id) return;
    // A chosen citation of this very claim stays chosen.
    if (claim && sel?.kind === 'cite' && claim.cites.includes(sel.id)) return;
    go(
      { sel: claim ? { kind: 'claim', id: claim.hash } : { kind: 'block', id: block } },
      {
        replace: true,
      },
    );
  }, []);

  const searchPassages = useCallback(
    async (query: string) => {
      const { hits } = await get<{ hits: Hit[] }>(
        `/api/spaces/${space}/search?limit=8&q=${encodeURIComponent(query)}`,
      );
      found.current = new Map(hits.map((hit) => [hit.passage.id, hit]));
      return hits.map(({ passage }) => ({
        id: passage.id,
        source_title: passage.source_title,
        page: passage.page,
        text: passage.text,
      }));
    },
    [space],
  );

  return (
    <div className="flex h-full min-h-0 flex-col">
      <Stopped session={session} />
      <Kept session={session} handle={handle} />
      <div className="min-h-0 flex-1">
        <BriefPane
          ref={setHandle}
          session={session}
          mode={readOnly ? 'read' : mode}
          locked={readOnly}
          evidence={(id) => knownEvidence().get(id) ?? undefined}
          evidenceVersion={evidenceVersion}
          claims={claims}
          statuses={statuses}
          selectedCite={place.sel?.kind === 'cite' ? place.sel.id : null}
          onSelectCitation={(id) => select({ kind: 'cite', id })}
          onSelectBlock={onSelectBlock}
          searchPassages={searchPassages}
          citePassage={async (choice, claim) => {
            const hit = found.current.get(choice.id);
            if (!hit) throw new Error('This passage is no longer in the list: search again.');
            return (await cite(hit.passage, claim)).id;
          }}
          uploadImage={async (file) => {
            const body = new FormData();
            body.append('file', file, file.name);
            const response = await request(`/api/spaces/${space}/images`, { method: 'POST', body });
            return (await response.json()) as { src: string };
          }}
          onCitations={setOrder}
          announce={announce}
        />
      </div>
    </div>
  );
});
