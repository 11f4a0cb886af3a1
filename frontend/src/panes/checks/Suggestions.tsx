import { Check, X } from 'lucide-react';
import { useEffect, useRef } from 'react';

import {
  type PendingSuggestion,
  setMode,
  type SuggestionDesk,
  useMode,
  useSuggestions,
} from '../../desk';
import { colorOf } from '../../editor';
import { Ago } from '../../ui/Ago';
import { Button } from '../../ui/Button';
import { classes, rowLook } from '../../ui/classes';
import { Empty } from '../../ui/Empty';
import { Keys } from '../../ui/Keys';
import { count, number } from '../../ui/words';

/** The suggestions by who made them, each author where their first one stands. */
function byAuthor(all: readonly PendingSuggestion[]): PendingSuggestion[][] {
  const found = new Map<string, PendingSuggestion[]>();
  for (const one of all) found.set(one.author, [...(found.get(one.author) ?? []), one]);
  return [...found.values()];
}

/** What is proposed in the open brief: each by itself, and all of one author together. */
export function Suggestions() {
  const desk = useSuggestions();
  const mode = useMode();
  if (!desk) return <Empty title="Opening the brief…" />;
  if (desk.all.length === 0)
    return (
      <Empty title="No suggestions">
        <p>
          In suggest mode (<Keys of="Mod+Shift+E" />) what you write is marked, and others accept or
          reject it. Until then it is left out of claims and exports.
        </p>
        {desk.decides && mode === 'edit' && (
          <Button className="mt-3" onClick={() => setMode('suggest')}>
            Suggest
          </Button>
        )}
      </Empty>
    );
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <p className="shrink-0 border-b border-border px-4 py-3 text-xs text-muted">
        Until decided, suggestions are left out of claims and exports.
      </p>
      <div className="min-h-0 flex-1 overflow-auto" tabIndex={-1}>
        {byAuthor(desk.all).map((all) => (
          <OfAuthor key={all[0]?.author} all={all} desk={desk} />
        ))}
      </div>
      <p className="shrink-0 border-t border-border px-4 py-1.5 text-xs text-muted">
        <Keys of="F9" /> next
        {desk.decides && (
          <>
            {' '}
            · <Keys of="Alt+Enter" /> accept · <Keys of="Alt+Backspace" /> reject
          </>
        )}
      </p>
    </div>
  );
}

interface OfAuthorProps {
  all: readonly PendingSuggestion[];
  desk: SuggestionDesk;
}

function OfAuthor({ all, desk }: OfAuthorProps) {
  const [first] = all;
  if (!first) return null;
  const decide = (verdict: 'accept' | 'reject') => () =>
    desk.decide(verdict, { author: first.author });
  return (
    <section aria-label={`Suggestions by ${first.name}`}>
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1.5 border-b border-border px-4 py-2">
        <h3 className="flex min-w-32 flex-1 items-center gap-1.5 text-[13px] font-semibold">
          <span
            className="suggestion-dot"
            aria-hidden
            style={colorOf(first) ? { background: first.color } : undefined}
          />
          <span className="truncate">{first.name}</span>
          {first.kind === 'ai' && <span className="suggestion-ai">AI</span>}
          <span className="shrink-0 text-xs font-normal text-muted">
            <span aria-hidden>{number(all.length)}</span>
            <span className="sr-only">{count(all.length, 'suggestion')}</span>
          </span>
        </h3>
        {desk.decides && all.length > 1 && (
          <div className="flex gap-1.5">
            <Button small onClick={decide('accept')}>
              Accept all
            </Button>
            <Button small onClick={decide('reject')}>
              Reject all
            </Button>
          </div>
        )}
      </div>
      <ul>
        {all.map((one) => (
          <Row key={one.id} one={one} desk={desk} />
        ))}
      </ul>
    </section>
  );
}

interface RowProps {
  one: PendingSuggestion;
  desk: SuggestionDesk;
}

function Row({ one, desk }: RowProps) {
  const chosen = one.id === desk.current;
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (chosen) row.current?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  return (
    <li ref={row} className={classes('lazy-row', rowLook(chosen))}>
      <button
        type="button"
        className="block w-full text-left text-[13px] leading-snug [overflow-wrap:anywhere]"
        aria-current={chosen ? 'true' : undefined}
        onClick={() => desk.show(one.id)}
      >
        {one.summary}
      </button>
      <div className="mt-1.5 flex flex-wrap items-center gap-1.5">
        <span className="flex-1 text-xs text-muted">
          <Ago at={one.at} />
        </span>
        {desk.decides && (
          <>
            <Button
              small
              aria-label={`Accept: ${one.summary}`}
              onClick={() => desk.decide('accept', { id: one.id })}
            >
              <Check size={13} aria-hidden /> Accept
            </Button>
            <Button
              small
              aria-label={`Reject: ${one.summary}`}
              onClick={() => desk.decide('reject', { id: one.id })}
            >
              <X size={13} aria-hidden /> Reject
            </Button>
          </>
        )}
      </div>
    </li>
  );
}
