import { Check, Ellipsis, RotateCcw } from 'lucide-react';
import { memo, useEffect, useRef, useState } from 'react';

import {
  asProblem,
  type Comment,
  type Comments,
  type CommentThread,
  type Problem,
} from '../../api';
import {
  attach,
  dropDraft,
  edit,
  piecesOf,
  putDraft,
  quoteOf,
  remove,
  reply,
  resolve,
  setCommentDesk,
  useCommentDesk,
  useDraft,
} from '../../comments';
import { announce, select, useOffline } from '../../desk';
import { Ago } from '../../ui/Ago';
import { Button, IconButton } from '../../ui/Button';
import { rowLook } from '../../ui/classes';
import { Confirm } from '../../ui/Dialog';
import { Menu, MenuItem } from '../../ui/Menu';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { CommentField } from './CommentField';

interface ThreadCardProps {
  brief: string;
  thread: CommentThread;
  /** Its words are no longer in the text. */
  gone: boolean;
  chosen: boolean;
  /** Who is asking, and what they may do. */
  me: string | null;
  rights: Pick<Comments, 'comments' | 'moderates' | 'people'>;
}

/** One thread: the words it is about, what was said, and what can be done. */
export const ThreadCard = memo(function ThreadCard(props: ThreadCardProps) {
  const { brief, thread, gone, chosen, me, rights } = props;
  const { port, selecting, wanted } = useCommentDesk();
  const offline = useOffline();
  const row = useRef<HTMLLIElement>(null);
  const answer = useRef<HTMLTextAreaElement>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const quote = quoteOf(thread.quote);
  const now = quoteOf(thread.anchor.text);
  const opener = thread.comments[0];

  useEffect(() => {
    if (chosen) row.current?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  useEffect(() => {
    if (wanted !== thread.id) return;
    setCommentDesk({ wanted: null });
    row.current?.focus();
  }, [wanted, thread.id]);

  const act = async (what: () => Promise<void>, done: string) => {
    setBusy(true);
    setProblem(null);
    try {
      await what();
      announce(done);
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };
  const close = (resolved: boolean) =>
    act(
      () => resolve(brief, thread.id, resolved),
      resolved ? 'Thread resolved.' : 'Thread is open again.',
    );
  const rehang = () =>
    act(async () => {
      const anchor = port?.selected();
      if (!anchor) throw new Error('Select the words in the text first.');
      await attach(brief, thread.id, anchor);
      select({ kind: 'comment', id: thread.id });
    }, 'Attached to the selected words.');

  return (
    <li
      ref={row}
      tabIndex={-1}
      data-thread={thread.id}
      aria-label={`${gone ? 'Text is gone. ' : ''}${opener?.author.name ?? ''} on “${quote}”`}
      onKeyDown={(event) => {
        if (event.target === row.current && event.key === 'Escape') port?.focus();
      }}
      className={rowLook(chosen)}
    >
      <button
        type="button"
        aria-expanded={chosen}
        className="block w-full text-left"
        onClick={() => select(chosen ? null : { kind: 'comment', id: thread.id })}
      >
        <span className="sr-only">Comment on </span>
        <q className="line-clamp-2 border-l-2 border-mark pl-2 font-serif text-[13px] leading-snug text-muted">
          {quote}
        </q>
      </button>
      {gone ? (
        <p className="mt-1 text-xs text-warn">
          ⚠ Text is gone{now !== quote && <>; it last read “{now}”</>}
        </p>
      ) : null}
      <ol aria-label="What was said" className="mt-1.5 flex flex-col gap-2">
        {thread.comments.map((comment) => (
          <li key={comment.id}>
            <Said
              brief={brief}
              thread={thread}
              comment={comment}
              mine={comment.author.subject === me}
              rights={rights}
            />
          </li>
        ))}
      </ol>
      {thread.resolved && (
        <p className="mt-1.5 text-xs text-ok">
          ✓ resolved by {thread.resolved.by.name}, <Ago at={thread.resolved.at} />
        </p>
      )}
      {rights.comments && (
        <div className="mt-2 flex flex-wrap gap-1.5">
          {thread.resolved ? (
            <Button small disabled={busy || offline} onClick={() => void close(false)}>
              <RotateCcw size={12} aria-hidden /> Reopen
            </Button>
          ) : (
            <Button small disabled={busy || offline} onClick={() => void close(true)}>
              <Check size={12} aria-hidden /> Resolve
            </Button>
          )}
          {gone && !thread.resolved && (
            <Button
              small
              disabled={busy || offline || !selecting}
              title={selecting ? undefined : 'Select the words in the text first'}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => void rehang()}
            >
              Attach to selection
            </Button>
          )}
          {!chosen && !thread.resolved && (
            <Button
              small
              look="quiet"
              onClick={() => {
                select({ kind: 'comment', id: thread.id });
                requestAnimationFrame(() => answer.current?.focus());
              }}
            >
              Reply
            </Button>
          )}
        </div>
      )}
      {problem && (
        <div className="mt-2">
          <ProblemNotice problem={problem} />
        </div>
      )}
      {chosen && rights.comments && !thread.resolved && (
        <div className="mt-2">
          <CommentField
            ref={answer}
            brief={brief}
            of={thread.id}
            label="Reply"
            action="Reply"
            people={rights.people}
            onSend={async (draft) => {
              await reply(brief, thread.id, draft);
              announce('Reply sent.');
            }}
            onLeave={() => row.current?.focus()}
          />
        </div>
      )}
    </li>
  );
});

interface SaidProps {
  brief: string;
  thread: CommentThread;
  comment: Comment;
  mine: boolean;
  rights: ThreadCardProps['rights'];
}

/** One comment, with its author's and an admin's means to change it. */
function Said({ brief, thread, comment, mine, rights }: SaidProps) {
  const of = `${thread.id}.${comment.id}`;
  const draft = useDraft(brief, of);
  const offline = useOffline();
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  if (comment.deleted) return <p className="text-[13px] text-muted italic">Comment deleted</p>;
  const first = thread.comments[0]?.id === comment.id;
  const others = thread.comments.some(({ author }) => author.subject !== comment.author.subject);
  const editing = draft !== null && mine;
  return (
    <div>
      <div className="flex items-center gap-1.5 text-xs">
        <span className="font-semibold">{comment.author.name}</span>
        <span className="text-muted">
          <Ago at={comment.created_at} />
          {comment.edited_at && ', edited'}
        </span>
        {rights.comments && (mine || rights.moderates) && !editing && (
          <span className="ml-auto">
            <Menu
              trigger={
                <IconButton label={`Change ${comment.author.name}’s comment`} className="!size-6">
                  <Ellipsis aria-hidden />
                </IconButton>
              }
            >
              {mine && !thread.resolved && (
                <MenuItem
                  onSelect={() =>
                    putDraft(brief, of, { body: comment.body, mentions: comment.mentions })
                  }
                >
                  Edit
                </MenuItem>
              )}
              <MenuItem danger disabled={offline} onSelect={() => setAsking(true)}>
                Delete…
              </MenuItem>
            </Menu>
          </span>
        )}
      </div>
      {editing ? (
        <CommentField
          brief={brief}
          of={of}
          label="Edit the comment"
          action="Save"
          people={rights.people}
          onSend={async (changed) => {
            await edit(brief, thread.id, comment.id, changed);
            announce('Comment changed.');
          }}
          onDiscard={() => dropDraft(brief, of)}
        />
      ) : (
        <p className="mt-0.5 text-[13px] leading-snug [overflow-wrap:anywhere] whitespace-pre-wrap">
          {piecesOf(comment).map(({ text, mention }, n) =>
            mention ? (
              <b key={n} className="font-semibold text-accent">
                {text}
              </b>
            ) : (
              text
            ),
          )}
        </p>
      )}
      {problem && (
        <div className="mt-2">
          <ProblemNotice problem={problem} />
        </div>
      )}
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title={first && !others ? 'Delete this thread?' : 'Delete this comment?'}
        action="Delete"
        onConfirm={() => {
          remove(brief, thread.id, comment.id).then(
            () => announce('Comment deleted.'),
            (error: unknown) => setProblem(asProblem(error)),
          );
        }}
      >
        {first && !others
          ? 'It goes with everything said in it, for everyone.'
          : first
            ? 'Its words go, for everyone. The replies of others stay.'
            : 'Its words go, for everyone.'}
      </Confirm>
    </div>
  );
}
