import { CircleHelp, History } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';

import { clear, isOver, reopen, start, stop, useDraft, useRun } from '../../answers';
import { type AnswerRow, asProblem, type Estimate, type Problem, useResource } from '../../api';
import { announce, go, IS_MAC, matches, useOffline } from '../../desk';
import { useSources } from '../../sources';
import { Button, IconButton } from '../../ui/Button';
import { Empty } from '../../ui/Empty';
import { classes } from '../../ui/classes';
import { TextArea } from '../../ui/Field';
import { Keys } from '../../ui/Keys';
import { Menu, MenuItem, MenuLabel } from '../../ui/Menu';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { count, duration, money, when } from '../../ui/words';
import { Answer } from './Answer';
import { AskingHelp } from './AskingHelp';
import { ScopePicker } from './ScopePicker';

const HISTORY = 30; // answers listed
const OWN_QUESTIONS = [
  'What are the main findings?',
  'Which risks are named, and by whom?',
  'What numbers are given for growth?',
];

interface AskProps {
  space: string;
  brief: string | null;
  /** To begin with, as the server gives them for this space. */
  questions: readonly string[];
}

export function Ask({ space, brief, questions }: AskProps) {
  const run = useRun(space);
  const sources = useSources(space);
  const [draft, change] = useDraft(space, run?.question ?? '');
  const { text } = draft;
  // What was deleted since it was chosen is not asked for.
  const chosen = useMemo(() => {
    const there = sources.data;
    if (!draft.chosen || !there) return draft.chosen;
    return new Set(there.flatMap(({ id }) => (draft.chosen?.has(id) ? [id] : [])));
  }, [draft.chosen, sources.data]);
  const [helping, setHelping] = useState(false);
  const running = run !== null && !isOver(run);
  const question = text.trim();
  // A filter that cannot be read is told at the field, until it is written otherwise.
  const [refused, setRefused] = useState<{ question: string; problem: Problem } | null>(null);
  const misread = refused?.question === question ? refused.problem : null;
  const nothingChosen = chosen?.size === 0;
  const searchable = sources.data?.some((source) => source.searchable) ?? true;
  const offline = useOffline();
  // Asking clears the answer on screen, so nothing is asked that cannot be answered.
  const blocked = offline
    ? 'The server does not answer; ask when it is back'
    : nothingChosen
      ? 'Choose at least one source'
      : searchable
        ? null
        : 'No source is searchable yet';

  const ask = (asked: string) => {
    if (!asked) return;
    if (blocked) {
      announce(`${blocked}.`);
      return;
    }
    void start(space, {
      question: asked,
      ...(chosen ? { sources: [...chosen] } : {}),
      ...(brief ? { brief } : {}),
    }).then((over) => {
      const said = {
        finished: `Answer finished: ${count(over.sentences.length, 'sentence')}.`,
        declined: 'Not enough evidence to answer.',
        failed: `The answer failed: ${over.problem?.message ?? ''}`,
        cancelled: 'Answer stopped.',
      } as const;
      if (over.problem?.code === 'bad_query')
        setRefused({ question: asked, problem: over.problem });
      if (over.phase in said) announce(said[over.phase as keyof typeof said]);
    });
  };

  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <form
        className="shrink-0 border-b border-border px-4 pt-3 pb-2"
        onSubmit={(event) => {
          event.preventDefault();
          ask(question);
        }}
      >
        <label htmlFor="question" className="sr-only">
          Question
        </label>
        <TextArea
          id="question"
          rows={2}
          value={text}
          placeholder="Ask your sources…"
          aria-invalid={misread !== null}
          aria-describedby={misread ? 'misread' : undefined}
          className={classes(
            'max-h-40 resize-none font-serif !text-[15px] [field-sizing:content]',
            misread && '!border-bad',
          )}
          onChange={(event) => change({ text: event.target.value })}
          onKeyDown={(event) => {
            if (!matches(event.nativeEvent, 'Mod+Enter', IS_MAC)) return;
            event.preventDefault();
            ask(question);
          }}
        />
        <div className="mt-1.5 flex flex-wrap items-center gap-x-1 gap-y-1.5">
          <ScopePicker
            sources={sources.data ?? []}
            chosen={chosen}
            onChange={(next) => change({ chosen: next })}
          />
          <AnswerHistory space={space} onReopen={(asked) => change({ text: asked })} />
          <IconButton
            label="Quotes and filters"
            aria-expanded={helping}
            aria-controls="asking-help"
            className="!size-6.5"
            onClick={() => setHelping(!helping)}
          >
            <CircleHelp aria-hidden />
          </IconButton>
          <div className="ml-auto flex items-center gap-2">
            {run && (
              <Button
                small
                look="quiet"
                onClick={() => {
                  clear(space);
                  change({ text: '' });
                }}
              >
                New
              </Button>
            )}
            <Button
              type="submit"
              small
              look="primary"
              disabled={!question || blocked !== null}
              title={blocked ?? undefined}
            >
              {running ? 'Ask again' : 'Ask'} <Keys of="Mod+Enter" />
            </Button>
          </div>
        </div>
        {misread ? (
          <p id="misread" className="mt-1 text-xs text-bad" data-testid="ask-misread">
            ⚠ {misread.message} {misread.remedy}
          </p>
        ) : blocked && question ? (
          <p className="mt-1 h-4.5 truncate text-xs text-warn" data-testid="ask-blocked">
            ⚠ {blocked}
          </p>
        ) : (
          <EstimateLine space={space} question={question} />
        )}
        {helping && <AskingHelp id="asking-help" />}
      </form>

      <div className="min-h-0 flex-1 overflow-auto px-4 py-4" tabIndex={-1}>
        {run ? (
          <Answer
            run={run}
            onStop={() => stop(space)}
            onAgain={() => ask(run.question)}
            onAsk={(other) => {
              change({ text: other });
              ask(other);
            }}
          />
        ) : sources.error && !sources.data ? (
          <ProblemNotice problem={asProblem(sources.error)} />
        ) : (
          <AskEmpty
            hasSources={(sources.data?.length ?? 0) > 0}
            questions={questions.length > 0 ? questions : OWN_QUESTIONS}
            onPick={(picked) => {
              change({ text: picked });
              ask(picked);
            }}
          />
        )}
      </div>
    </div>
  );
}

interface AskEmptyProps {
  hasSources: boolean;
  questions: readonly string[];
  onPick: (question: string) => void;
}

function AskEmpty({ hasSources, questions, onPick }: AskEmptyProps) {
  if (!hasSources) {
    return (
      <Empty title="Nothing to ask yet">
        <p>Add a folder, or open the sample space.</p>
        <Button className="mt-3" look="primary" onClick={() => go({ left: 'sources' })}>
          Add sources
        </Button>
      </Empty>
    );
  }
  return (
    <Empty title="Ask, and every sentence is cited">
      <p>A citation appears only when its quote was found in the stored text.</p>
      <ul className="mt-4 flex flex-col gap-2 text-left">
        {questions.map((question) => (
          <li key={question}>
            <button
              type="button"
              onClick={() => onPick(question)}
              className="w-full rounded-md border border-border bg-surface px-3 py-2 text-left font-serif text-[14px] text-text transition-colors hover:border-accent"
            >
              {question}
            </button>
          </li>
        ))}
      </ul>
    </Empty>
  );
}

function EstimateLine({ space, question }: { space: string; question: string }) {
  const [asked, setAsked] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setAsked(question), 500);
    return () => clearTimeout(timer);
  }, [question]);
  const { data } = useResource<Estimate>(
    asked ? `/api/spaces/${space}/estimate?q=${encodeURIComponent(asked)}` : null,
  );
  if (!data) return <p className="mt-1 h-4.5 text-xs text-muted" />;
  const over =
    data.cost_usd !== null && data.budget_usd !== null && data.cost_usd > data.budget_usd;
  return (
    <p className={`mt-1 h-4.5 truncate text-xs ${over ? 'font-semibold text-bad' : 'text-muted'}`}>
      {data.cost_usd === null
        ? 'cost unknown'
        : data.cost_usd > 0
          ? `~${money(data.cost_usd)}`
          : 'no cost'}{' '}
      · {data.seconds !== null && `~${duration(data.seconds)} · `}
      {data.model}
      {over && ` · over the budget of ${money(data.budget_usd ?? 0)}: ask with fewer sources`}
    </p>
  );
}

interface AnswerHistoryProps {
  space: string;
  onReopen: (question: string) => void;
}

function AnswerHistory({ space, onReopen }: AnswerHistoryProps) {
  const { data } = useResource<AnswerRow[]>(`/api/spaces/${space}/answers?limit=${HISTORY}`);
  const [problem, setProblem] = useState<Problem | null>(null);
  if (!data || data.length === 0) return null;
  return (
    <>
      <Menu
        trigger={
          <IconButton label="Earlier answers" className="!size-6.5">
            <History aria-hidden />
          </IconButton>
        }
      >
        <MenuLabel>Earlier answers</MenuLabel>
        {data.map((row) => (
          <MenuItem
            key={row.id}
            onSelect={() => {
              onReopen(row.question);
              setProblem(null);
              reopen(space, row.id).catch((error: unknown) => setProblem(asProblem(error)));
            }}
          >
            <span className="max-w-72">
              <span className="block truncate">{row.question}</span>
              <span className="block text-xs text-muted">
                {when(row.created_at)} · {row.state}
                {row.sentences > 0 && ` · ${count(row.sentences, 'sentence')}`}
              </span>
            </span>
          </MenuItem>
        ))}
      </Menu>
      {problem && <ProblemNotice problem={problem} />}
    </>
  );
}
