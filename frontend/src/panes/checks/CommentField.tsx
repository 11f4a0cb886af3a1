import { type KeyboardEvent, type Ref, useId, useImperativeHandle, useRef, useState } from 'react';

import { asProblem, type Commenter, type Problem } from '../../api';
import { type Draft, dropDraft, mentionAt, putDraft, useDraft } from '../../comments';
import { IS_MAC, matches, useOffline } from '../../desk';
import { Button } from '../../ui/Button';
import { classes } from '../../ui/classes';
import { TextArea } from '../../ui/Field';
import { keyText } from '../../ui/Keys';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { count } from '../../ui/words';

const LONGEST = 10_000; // characters the server takes
const WARNING = 200; // that are left when their number is shown
const OFFERED = 6;

interface CommentFieldProps {
  ref?: Ref<HTMLTextAreaElement>;
  brief: string;
  /** What the draft is of. */
  of: string;
  label: string;
  action: string;
  people: readonly Commenter[];
  /** What stands in the field before anything was typed. */
  first?: Pick<Draft, 'body' | 'mentions'>;
  disabled?: string | null;
  onSend: (draft: Draft) => Promise<unknown>;
  /** Escape, or the button beside; the draft stays unless it is thrown away. */
  onLeave?: () => void;
  onDiscard?: () => void;
}

/** A field for a comment: names after “@”, a draft that outlives it, and what went wrong. */
export function CommentField(props: CommentFieldProps) {
  const { ref, brief, of, label, action, people, first, disabled, onSend, onLeave, onDiscard } =
    props;
  const draft = useDraft(brief, of);
  const offline = useOffline();
  const field = useRef<HTMLTextAreaElement>(null);
  useImperativeHandle(ref, () => field.current as HTMLTextAreaElement);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [naming, setNaming] = useState<{ query: string; from: number } | null>(null);
  const [marked, setMarked] = useState(0);
  const names = useId();

  const body = draft?.body ?? first?.body ?? '';
  const mentions = draft?.mentions ?? first?.mentions ?? [];
  const left = LONGEST - body.trim().length;
  const offered = naming
    ? people
        .filter(({ name, subject }) =>
          [name, subject].some((one) => one.toLowerCase().startsWith(naming.query.toLowerCase())),
        )
        .slice(0, OFFERED)
    : [];
  const ready = body.trim() !== '' && left >= 0 && !busy && !offline && !disabled;

  const send = async () => {
    if (!ready) return;
    setBusy(true);
    setProblem(null);
    try {
      await onSend(putDraft(brief, of, { body, mentions }));
      dropDraft(brief, of);
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };

  const name = (person: Commenter) => {
    if (!naming) return;
    const until = naming.from + 1 + naming.query.length;
    const next = `${body.slice(0, naming.from)}@${person.name} ${body.slice(until)}`;
    const caret = naming.from + person.name.length + 2;
    putDraft(brief, of, {
      body: next,
      mentions: [...mentions.filter(({ subject }) => subject !== person.subject), person],
    });
    setNaming(null);
    requestAnimationFrame(() => field.current?.setSelectionRange(caret, caret));
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    const chosen = offered[marked] ?? offered[0];
    if (chosen) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) setMarked((marked + step + offered.length) % offered.length);
      else if (event.key === 'Escape') setNaming(null);
      else if (event.key === 'Tab' || (event.key === 'Enter' && !event.ctrlKey && !event.metaKey))
        name(chosen);
      else return;
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (matches(event.nativeEvent, 'Mod+Enter', IS_MAC)) {
      event.preventDefault();
      void send();
    } else if (event.key === 'Escape' && onLeave) {
      event.preventDefault();
      onLeave();
    }
  };

  return (
    <form
      className="flex flex-col gap-1.5"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <div className="relative">
        <TextArea
          ref={field}
          aria-label={label}
          placeholder={`${label} (@ to mention)`}
          rows={body.includes('\n') || body.length > 60 ? 4 : 2}
          value={body}
          aria-autocomplete="list"
          aria-controls={offered.length > 0 ? names : undefined}
          aria-activedescendant={
            offered.length > 0 ? `${names}-${Math.min(marked, offered.length - 1)}` : undefined
          }
          onChange={(event) => {
            const { value, selectionStart } = event.currentTarget;
            putDraft(brief, of, { body: value, mentions });
            setNaming(mentionAt(value, selectionStart));
            setMarked(0);
          }}
          onKeyDown={onKeyDown}
          onBlur={() => setNaming(null)}
        />
        {offered.length > 0 && (
          <ul
            id={names}
            role="listbox"
            aria-label="People to mention"
            className="appear absolute inset-x-0 top-full z-20 mt-1 rounded-lg border border-border bg-surface p-1 shadow-pop"
          >
            {offered.map((person, n) => (
              <li
                key={person.subject}
                id={`${names}-${n}`}
                role="option"
                aria-selected={n === Math.min(marked, offered.length - 1)}
                // The field keeps the focus.
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => name(person)}
                className="cursor-pointer rounded-md px-2.5 py-1 text-[13px] aria-selected:bg-surface-2"
              >
                {person.name}
                {person.name !== person.subject && (
                  <span className="ml-2 text-xs text-muted">{person.subject}</span>
                )}
              </li>
            ))}
          </ul>
        )}
      </div>
      {problem && <ProblemNotice problem={problem} />}
      {disabled && <p className="text-xs text-warn">{disabled}</p>}
      {offline && (
        <p className="text-xs text-warn">
          Sending needs the connection. What you write is kept on this device.
        </p>
      )}
      <div className="flex flex-wrap items-center justify-end gap-1.5">
        {left < WARNING && (
          <span
            role="status"
            className={classes('mr-auto text-xs', left < 0 ? 'font-medium text-bad' : 'text-muted')}
          >
            {left < 0
              ? `${count(-left, 'character')} too many`
              : `${count(left, 'character')} left`}
          </span>
        )}
        {onDiscard && (
          <Button small look="quiet" disabled={busy} onClick={onDiscard}>
            Discard
          </Button>
        )}
        <Button
          small
          look="primary"
          type="submit"
          disabled={!ready}
          title={`${action} (${keyText('Mod+Enter')})`}
        >
          {problem ? 'Try again' : action}
        </Button>
      </div>
    </form>
  );
}
