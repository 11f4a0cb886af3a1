import { MessageSquarePlus } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';

import {
  asProblem,
  type Comments as Listed,
  type CommentThread,
  refetch,
  useResource,
} from '../../api';
import {
  begin,
  commentsPath,
  dropDraft,
  moreResolved,
  NEW,
  quoteOf,
  setCommentDesk,
  sorted,
  useCommentDesk,
  useComments,
  useDraft,
  useResolved,
  useThread,
} from '../../comments';
import { announce, select, usePlace } from '../../desk';
import { Button } from '../../ui/Button';
import { Choices } from '../../ui/Choices';
import { Empty } from '../../ui/Empty';
import { Keys } from '../../ui/Keys';
import { Notice } from '../../ui/Notice';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { count } from '../../ui/words';
import { CommentField } from './CommentField';
import { ThreadCard } from './CommentThread';

type Filter = 'open' | 'gone' | 'resolved';

const NONE: readonly CommentThread[] = [];

/** The threads on a brief's text: open ones in its order, those whose words are gone, resolved ones. */
export function Comments({ brief }: { brief: string }) {
  const comments = useComments(brief);
  const { sel } = usePlace();
  const { order } = useCommentDesk();
  const me = useResource<{ subject: string }>('/api/me').data?.subject ?? null;
  const [filter, setFilter] = useState<Filter>('open');
  const resolved = useResolved(filter === 'resolved' ? brief : null);
  const chosen = sel?.kind === 'comment' && sel.id !== NEW ? sel.id : null;
  const { placed, gone } = sorted(comments.data?.threads ?? NONE, order);
  const known =
    !comments.data ||
    [...placed, ...gone, ...(resolved.data?.threads ?? NONE)].some(({ id }) => id === chosen);
  const other = useThread(brief, known ? null : chosen);

  // What was chosen elsewhere comes to the front.
  const home: Filter | null = !chosen
    ? null
    : gone.some(({ id }) => id === chosen)
      ? 'gone'
      : placed.some(({ id }) => id === chosen)
        ? 'open'
        : null;
  const target = chosen && home ? `${chosen} ${home}` : null;
  const [followed, setFollowed] = useState<string | null>(null);
  if (target !== followed) {
    setFollowed(target);
    if (home) setFilter(home);
  }

  const lost = order === null ? null : gone.length;
  const before = useRef<number | null>(null);
  useEffect(() => {
    if (lost !== null && before.current !== null && lost > before.current)
      announce('Commented text is gone. Its comment is kept under “Text is gone”.');
    before.current = lost;
  }, [lost]);

  if (!comments.data)
    return comments.error ? (
      <div className="p-4">
        <ProblemNotice
          problem={asProblem(comments.error)}
          action={
            <Button small onClick={() => void refetch(commentsPath(brief))}>
              Try again
            </Button>
          }
        />
      </div>
    ) : (
      <p className="working p-4 text-[13px] text-muted">Loading the comments…</p>
    );

  const rights = comments.data;
  const card = (thread: CommentThread) => (
    <ThreadCard
      key={thread.id}
      brief={brief}
      thread={thread}
      gone={order !== null && !thread.resolved && gone.includes(thread)}
      chosen={thread.id === chosen}
      me={me}
      rights={rights}
    />
  );
  const options: [Filter, string][] = [
    ['open', `Open ${placed.length}`],
    ['gone', `${gone.length > 0 ? '⚠ ' : ''}Text is gone ${gone.length}`],
    ['resolved', 'Resolved'],
  ];

  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex shrink-0 flex-col gap-2 border-b border-border px-4 py-3">
        <Compose brief={brief} rights={rights} />
        <Choices label="Show comments" options={options} value={filter} onChange={setFilter} />
        {comments.error !== null && (
          <p className="text-xs text-warn">
            These may not be the latest: {asProblem(comments.error).message}
          </p>
        )}
      </div>
      <div className="min-h-0 flex-1 overflow-auto" tabIndex={-1}>
        {chosen && !known && other.data && <ul aria-label="Chosen thread">{card(other.data)}</ul>}
        {chosen && !known && other.error !== null && (
          <div className="p-4">
            <Notice
              action={
                <Button small onClick={() => select(null)}>
                  Show the others
                </Button>
              }
            >
              This comment was deleted, or it belongs to another brief.
            </Notice>
          </div>
        )}
        {filter === 'open' &&
          (placed.length > 0 ? (
            <ul aria-label="Open threads">{placed.map(card)}</ul>
          ) : (
            <Empty title={gone.length > 0 ? 'No comments in the text' : 'No comments yet'}>
              <p>
                Select words in the brief and press <Keys of="Mod+Alt+M" />. Everyone who can read
                the brief sees the comment; it stays with its words while they are edited.
              </p>
            </Empty>
          ))}
        {filter === 'gone' &&
          (gone.length > 0 ? (
            <>
              <p className="px-4 py-2 text-xs text-muted">
                The words of {gone.length === 1 ? 'this thread' : `these ${gone.length} threads`}{' '}
                were deleted. They come back when that is undone; or select other words and attach
                the thread to them.
              </p>
              <ul aria-label="Threads whose text is gone">{gone.map(card)}</ul>
            </>
          ) : (
            <Empty title="Nothing lost">
              <p>When commented text is deleted, its comments are kept here.</p>
            </Empty>
          ))}
        {filter === 'resolved' && <Resolved brief={brief} resolved={resolved} card={card} />}
      </div>
    </div>
  );
}

interface ResolvedProps {
  brief: string;
  resolved: ReturnType<typeof useResolved>;
  card: (thread: CommentThread) => React.ReactNode;
}

function Resolved({ brief, resolved, card }: ResolvedProps) {
  const { data, error, loading } = resolved;
  if (!data)
    return error ? (
      <div className="p-4">
        <ProblemNotice problem={asProblem(error)} />
      </div>
    ) : (
      <p className="working p-4 text-[13px] text-muted">Loading the comments…</p>
    );
  if (data.threads.length === 0)
    return (
      <Empty title="None resolved yet">
        <p>Resolve a thread when it is settled; it is kept here and can be reopened.</p>
      </Empty>
    );
  return (
    <>
      <ul aria-label="Resolved threads">{data.threads.map(card)}</ul>
      {data.more && (
        <div className="p-4">
          <Button small disabled={loading} onClick={() => moreResolved(brief)}>
            Show more
          </Button>
        </div>
      )}
    </>
  );
}

/** A new thread on the selected words; where one may not comment, why. */
function Compose({ brief, rights }: { brief: string; rights: Listed }) {
  const draft = useDraft(brief, NEW);
  const { port, selecting, wanted, order } = useCommentDesk();
  const field = useRef<HTMLTextAreaElement>(null);
  const { threads } = rights;
  useEffect(() => {
    if (wanted !== NEW || !field.current) return;
    setCommentDesk({ wanted: null });
    field.current.focus();
  }, [wanted, draft]);

  if (!rights.comments)
    return (
      <p className="text-[13px] text-muted">
        Your role may read comments, not write them. Ask an admin of the space to make you a
        commenter.
      </p>
    );
  if (!draft?.anchor)
    return (
      <div className="flex flex-wrap items-center justify-between gap-2">
        <Button
          small
          disabled={!selecting || !port}
          title={selecting ? undefined : 'Select the words in the text first'}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => port?.comment()}
        >
          <MessageSquarePlus size={13} aria-hidden /> Comment on the selection
        </Button>
        <span className="text-xs text-muted tabular-nums">
          {count(threads.length, 'open thread')}
        </span>
      </div>
    );
  const { anchor } = draft;
  return (
    <section aria-label="New comment" className="flex flex-col gap-1.5">
      <q className="line-clamp-2 border-l-2 border-mark pl-2 font-serif text-[13px] leading-snug text-muted">
        {quoteOf(anchor.text)}
      </q>
      <CommentField
        ref={field}
        brief={brief}
        of={NEW}
        label="Comment"
        action="Comment"
        people={rights.people}
        onSend={async (sent) => {
          const now = port?.anchor(NEW);
          if (order !== null && !now)
            throw new Error(
              'The words were deleted meanwhile. Copy your comment, or select other words and press Comment.',
            );
          const thread = await begin(brief, sent, now ?? anchor);
          select({ kind: 'comment', id: thread.id });
          announce('Comment added.');
          port?.focus();
          // A narrow page does not show the text now.
          requestAnimationFrame(() => {
            if (document.activeElement === document.body) setCommentDesk({ wanted: thread.id });
          });
        }}
        onLeave={() => port?.focus()}
        onDiscard={() => {
          dropDraft(brief, NEW);
          select(null);
          port?.focus();
        }}
      />
    </section>
  );
}
