import { Copy, CornerDownLeft, RotateCcw, Square } from 'lucide-react';
import { type KeyboardEvent, useState } from 'react';

import {
  asText,
  asWritten,
  chipNumbers,
  correctionsSaid,
  isOver,
  legName,
  missingLegs,
  type Phase,
  type Run,
  type Sentence,
} from '../../answers';
import { asProblem, type Replay, send } from '../../api';
import { announce, IS_MAC, matches, useBriefPort, useCommands } from '../../desk';
import { Button } from '../../ui/Button';
import { keyText } from '../../ui/Keys';
import { Notice } from '../../ui/Notice';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { count } from '../../ui/words';
import { Chip } from './Chip';
import { Hits } from './Hits';
import { Trace } from './Trace';

const LIST = new Intl.ListFormat('en');
const NO_BRIEF = 'Open a brief you may edit to insert into it';

interface AnswerProps {
  run: Run;
  onStop: () => void;
  onAgain: () => void;
  onAsk: (question: string) => void;
}

export function Answer({ run, onStop, onAgain, onAsk }: AnswerProps) {
  const port = useBriefPort();
  const numbers = chipNumbers(run);
  const over = isOver(run);
  const degraded = run.trace && missingLegs(run.trace.legs);
  const corrections = run.trace?.understood?.corrections ?? [];

  const insert = (sentences: readonly Sentence[]) => {
    if (!port) return;
    port.insertSentences(
      sentences.map(({ text, chips }) => ({ text, cites: chips.map((c) => c.evidence.id) })),
    );
    announce(`${count(sentences.length, 'sentence')} inserted into the brief.`);
  };

  const suggest = (sentences: readonly Sentence[]) => {
    if (!port) return;
    port.suggestSentences(
      sentences.map(({ text, chips }) => ({ text, cites: chips.map((c) => c.evidence.id) })),
      'StratMaster',
    );
    announce(`${count(sentences.length, 'sentence')} put into the brief as a suggestion.`);
  };

  useCommands(
    over && port && run.sentences.length > 0
      ? [
          {
            id: 'insert-answer',
            group: 'Evidence',
            label: 'Insert the whole answer',
            run: () => insert(run.sentences),
          },
        ]
      : [],
  );

  return (
    <section aria-label="Answer" className="flex flex-col gap-3" aria-busy={!over}>
      <div className="flex items-start justify-between gap-2">
        <h3 className="font-serif text-[17px] leading-snug font-semibold">{run.question}</h3>
        {!over && (
          <Button small onClick={onStop}>
            <Square size={11} aria-hidden /> Stop
          </Button>
        )}
      </div>

      {run.kind === 'extractive' && run.phase !== 'declined' && (
        <p className="text-xs text-muted">
          <span className="rounded-sm bg-surface-2 px-1.5 py-0.5 font-medium text-text">
            Extractive
          </span>{' '}
          cited quotes, no language model
        </p>
      )}
      {degraded && <Notice tone="warn">{degraded}</Notice>}
      {corrections.length > 0 && (
        <Notice
          tone="info"
          action={
            over && (
              <Button small onClick={() => onAsk(asWritten(run.question, corrections))}>
                Search only as written
              </Button>
            )
          }
        >
          {correctionsSaid(corrections)}
        </Notice>
      )}
      {run.trace?.understood?.note && run.phase !== 'declined' && (
        <Notice tone="info">{run.trace.understood.note}</Notice>
      )}
      {run.notices.map((notice) => (
        <Notice key={`${notice.code}${notice.message}`} tone="warn">
          {notice.message}
        </Notice>
      ))}

      {run.sentences.length > 0 && (
        <ol className="-mx-2 flex flex-col" aria-label="Answer, by sentence">
          {run.sentences.map((sentence, index) => (
            <SentenceRow
              key={index}
              sentence={sentence}
              numbers={numbers}
              checked={over}
              uncited={run.uncited.includes(index)}
              canInsert={port !== null}
              onInsert={() => insert([sentence])}
              onSuggest={() => suggest([sentence])}
            />
          ))}
        </ol>
      )}
      {run.draft && (
        <p className="font-serif text-[15px] leading-relaxed text-muted">
          {run.draft}
          <span className="working"> ▍</span>
        </p>
      )}
      {!over && <Stages phase={run.phase} writing={run.sentences.length > 0 || run.draft !== ''} />}

      {run.phase === 'declined' && run.declined && <Declined run={run} />}
      {run.phase === 'failed' && run.problem && (
        <ProblemNotice
          problem={run.problem}
          action={
            <Button small onClick={onAgain}>
              Ask again
            </Button>
          }
        />
      )}
      {run.phase === 'cancelled' && (
        <Notice
          action={
            <Button small onClick={onAgain}>
              Ask again
            </Button>
          }
        >
          Stopped. What stands above was already checked.
        </Notice>
      )}

      {over && run.sentences.length > 0 && (
        <div className="flex flex-wrap items-center gap-1.5">
          <Button
            small
            look="primary"
            disabled={!port}
            title={port ? undefined : NO_BRIEF}
            onClick={() => insert(run.sentences)}
          >
            <CornerDownLeft size={13} aria-hidden /> Insert whole answer
          </Button>
          <Button
            small
            disabled={!port}
            title={port ? undefined : NO_BRIEF}
            onClick={() => suggest(run.sentences)}
          >
            Suggest it
          </Button>
          <Button
            small
            onClick={() => {
              void navigator.clipboard.writeText(asText(run)).then(() => {
                announce('Answer copied with its references.');
              });
            }}
          >
            <Copy size={13} aria-hidden /> Copy
          </Button>
          {run.answer && <ReplayButton answer={run.answer} />}
        </div>
      )}
      {over && <Trace run={run} />}
    </section>
  );
}

const STAGES: Partial<Record<Phase, string>> = {
  searching: 'searching…',
  reading: 'reading…',
};

function Stages({ phase, writing }: { phase: Phase; writing: boolean }) {
  const now = writing ? 'checking quotes…' : (STAGES[phase] ?? '');
  const steps = ['searching…', 'reading…', 'checking quotes…'];
  const at = steps.indexOf(now);
  return (
    <ol className="flex gap-3 text-xs text-muted" aria-label="Progress">
      {steps.map((step, index) => (
        <li
          key={step}
          aria-current={index === at ? 'step' : undefined}
          className={
            index === at ? 'working font-medium text-accent' : index < at ? '' : 'opacity-60'
          }
        >
          {index < at ? `✓ ${step.replace('…', '')}` : step}
        </li>
      ))}
    </ol>
  );
}

interface SentenceRowProps {
  sentence: Sentence;
  numbers: ReadonlyMap<string, number>;
  checked: boolean;
  uncited: boolean;
  canInsert: boolean;
  onInsert: () => void;
  onSuggest: () => void;
}

function SentenceRow(props: SentenceRowProps) {
  const { sentence, numbers, checked, uncited, canInsert, onInsert, onSuggest } = props;
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if (matches(event.nativeEvent, 'Mod+Enter', IS_MAC)) {
      event.preventDefault();
      event.stopPropagation();
      if (canInsert) onInsert();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = event.currentTarget;
    if (!step || event.target !== row) return;
    const next = step === 1 ? row.nextElementSibling : row.previousElementSibling;
    if (next instanceof HTMLElement) {
      event.preventDefault();
      next.focus();
    }
  };
  return (
    <li
      tabIndex={0}
      onKeyDown={onKeyDown}
      className="appear rounded-md px-2 pt-1.5 pb-1 hover:bg-surface-2 focus-visible:bg-surface-2"
    >
      <p className="font-serif text-[15px] leading-relaxed">
        {sentence.text} {/* Marks and button go to the next line together. */}
        <span className="whitespace-nowrap">
          {sentence.chips.map(({ evidence }) => (
            <Chip key={evidence.id} evidence={evidence} number={numbers.get(evidence.id) ?? 0} />
          ))}
          <Button
            small
            look="quiet"
            className="ml-1 !h-5.5 !px-1.5 align-[0.1em] font-sans"
            disabled={!canInsert}
            title={canInsert ? `Insert into the brief (${keyText('Mod+Enter')})` : NO_BRIEF}
            onClick={onInsert}
          >
            Insert <CornerDownLeft size={12} aria-hidden />
          </Button>
          <Button
            small
            look="quiet"
            className="!h-5.5 !px-1.5 align-[0.1em] font-sans"
            disabled={!canInsert}
            title={canInsert ? 'Put it in as a suggestion, for somebody to accept' : NO_BRIEF}
            onClick={onSuggest}
          >
            Suggest
          </Button>
        </span>
      </p>
      {uncited && (
        <p className="text-xs text-warn">⚠ no citation of this sentence could be verified</p>
      )}
      {!checked && sentence.chips.length === 0 && (
        <p className="working text-xs text-muted">checking…</p>
      )}
    </li>
  );
}

const TITLE = 'Not enough evidence';

/** The reason by itself: its first words already stand above it. */
function withoutTitle(reason: string): string {
  if (!reason.startsWith(`${TITLE}: `)) return reason;
  const rest = reason.slice(TITLE.length + 2);
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}

function Declined({ run }: { run: Run }) {
  const { declined, nearest } = run;
  if (!declined) return null;
  const where = [
    declined.sources > 0 && count(declined.sources, 'source'),
    declined.passages > 0 && count(declined.passages, 'passage'),
    declined.legs.length > 0 && `by ${LIST.format(declined.legs.map((leg) => legName(leg)))}`,
  ].filter(Boolean);
  return (
    <div className="flex flex-col gap-3">
      <Notice tone="warn" title={TITLE}>
        <p>{withoutTitle(declined.reason)}</p>
        {where.length > 0 && <p className="mt-1 text-muted">Searched: {where.join(', ')}.</p>}
        <p className="mt-1 text-muted">
          Nothing was made up. Widen the scope, add a source, or ask about what is in them.
        </p>
      </Notice>
      {nearest.length > 0 && (
        <div>
          <h4 className="mb-1.5 text-xs font-medium text-muted">Nearest passages</h4>
          <Hits hits={nearest} />
        </div>
      )}
    </div>
  );
}

function ReplayButton({ answer }: { answer: string }) {
  const [result, setResult] = useState<Replay | null>(null);
  const [problem, setProblem] = useState<{ message: string; remedy: string | null } | null>(null);
  const [busy, setBusy] = useState(false);
  const replay = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const found = await send<Replay>('POST', `/api/answers/${answer}/replay`);
      setResult(found);
      announce(found.identical ? 'Replay: identical.' : 'Replay: it differs.');
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button small disabled={busy} onClick={() => void replay()}>
        <RotateCcw size={13} aria-hidden /> {busy ? 'Replaying…' : 'Replay'}
      </Button>
      {result?.identical && (
        <span className="text-xs text-ok">✓ identical when asked again now</span>
      )}
      {problem && <ProblemNotice problem={problem} />}
      {result && !result.identical && (
        <div className="w-full">
          <Notice tone="info" title="Asked again now, it differs">
            <ul className="mt-1 flex flex-col gap-1.5">
              {result.differences.map((difference) => (
                <li key={difference.what}>
                  <span className="font-medium">{difference.what}</span>
                  <span className="block text-muted">before: {show(difference.before)}</span>
                  <span className="block text-muted">now: {show(difference.after)}</span>
                </li>
              ))}
            </ul>
          </Notice>
        </div>
      )}
    </>
  );
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
