import { Check, X } from 'lucide-react';

import { type PendingSuggestion, setMode, useMode, useSuggestions } from '../../desk';
import { colorOf } from '../../editor';
import { Button } from '../../ui/Button';
import { classes } from '../../ui/classes';
import { Empty } from '../../ui/Empty';
import { Keys } from '../../ui/Keys';
import { count, when } from '../../ui/words';

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
    <div className="flex min-h-0 flex-1 flex-col gap-4 overflow-auto p-3">
      <p className="text-xs text-muted">
        <Keys of="F9" /> next, <Keys of="Alt+Enter" /> accept, <Keys of="Alt+Backspace" /> reject.
        Until decided, suggestions are left out of claims and exports.
      </p>
      {byAuthor(desk.all).map((all) => {
        const [first] = all;
        if (!first) return null;
        const decide = (verdict: 'accept' | 'reject') => () =>
          desk.decide(verdict, { author: first.author });
        return (
          <section key={first.author} aria-label={`Suggestions by ${first.name}`}>
            <div className="mb-1.5 flex flex-wrap items-center gap-x-2 gap-y-1">
              <h3 className="flex min-w-0 flex-1 items-center gap-1.5 text-[13px] font-semibold">
                <span
                  className="suggestion-dot"
                  aria-hidden
                  style={colorOf(first) ? { background: first.color } : undefined}
                />
                <span className="truncate">{first.name}</span>
                {first.kind === 'ai' && <span className="suggestion-ai">AI</span>}
                <span className="text-xs font-normal text-muted">
                  {count(all.length, 'suggestion')}
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
            <ul className="flex flex-col gap-1.5">
              {all.map((one) => (
                <li
                  key={one.id}
                  className={classes(
                    'lazy-row rounded-md border bg-surface p-2.5',
                    one.id === desk.current ? 'border-accent' : 'border-border',
                  )}
                >
                  <button
                    type="button"
                    className="block w-full text-left text-[13px] [overflow-wrap:anywhere] hover:underline"
                    aria-current={one.id === desk.current ? 'true' : undefined}
                    onClick={() => desk.show(one.id)}
                  >
                    {one.summary}
                  </button>
                  <div className="mt-1.5 flex flex-wrap items-center gap-1.5">
                    <time dateTime={one.at} className="flex-1 text-xs text-muted">
                      {when(one.at)}
                    </time>
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
              ))}
            </ul>
          </section>
        );
      })}
    </div>
  );
}
