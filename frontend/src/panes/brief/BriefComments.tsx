import type { Editor } from '@tiptap/core';
import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react';

import {
  draftOf,
  follow,
  getCommentDesk,
  leaveCommentDesk,
  type Moved,
  MovedWords,
  NEW,
  putDraft,
  setCommentDesk,
  useComments,
  useDraft,
  useThread,
} from '../../comments';
import { announce, getPlace, go, subscribePlace, useCommands, usePlace } from '../../desk';
import {
  commentAnchor,
  commentAt,
  type CommentMark,
  commentOrder,
  commentRange,
  hearSelection,
  selectedAnchor,
} from '../../editor';
import type { Session } from '../../session';
import { showRange } from './handle';

/** Milliseconds for which words may be away, on their way to another block, before they are gone. */
const GRACE = 1500;
const NOTHING: readonly CommentMark[] = [];

interface BriefCommentsProps {
  editor: Editor;
  session: Session;
}

/** Joins the text to the comments on it: their marks, their places, and the keys. */
export function BriefComments({ editor, session }: BriefCommentsProps) {
  const { brief } = session;
  const { data } = useComments(brief);
  const { sel } = usePlace();
  const chosen = sel?.kind === 'comment' ? sel.id : null;
  const draft = useDraft(brief, NEW);
  const [draftAnchor, draftRevision] = [draft?.anchor ?? null, draft?.revision ?? 0];
  const known = data?.threads.some(({ id }) => id === chosen) ?? true;
  const other = useThread(brief, chosen && chosen !== NEW && !known ? chosen : null);
  const mayComment = data?.comments ?? false;
  const there = useSyncExternalStore(session.subscribe, () => {
    const { loaded, synced, connection } = session.status();
    return loaded && (synced || connection !== 'connecting');
  });

  const marks = useMemo(() => {
    const open: CommentMark[] = [...(data?.threads ?? NOTHING)];
    if (other.data) open.push(other.data);
    if (draftAnchor) open.push({ id: NEW, anchor: draftAnchor, revision: draftRevision });
    return open;
  }, [data?.threads, other.data, draftAnchor, draftRevision]);

  const publish = useCallback(() => {
    const order = commentOrder(editor.state).filter((id) => id !== NEW);
    setCommentDesk({ order: there && data ? order : null });
  }, [editor, there, data]);

  useLayoutEffect(() => {
    editor.commands.setComments(marks, chosen);
    publish();
  }, [editor, marks, chosen, publish]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onPlaced = ({ order }: { order: readonly string[] }) => {
      clearTimeout(timer);
      const here = new Set(order);
      if (getCommentDesk().order?.every((id) => here.has(id))) publish();
      else timer = setTimeout(publish, GRACE);
    };
    const onChosen = ({ id }: { id: string }) => {
      if (id !== NEW) go({ right: 'comments', sel: { kind: 'comment', id } }, { replace: true });
    };
    const onSelection = () => setCommentDesk({ selecting: !editor.state.selection.empty });
    editor.on('commentsPlaced', onPlaced);
    editor.on('commentChosen', onChosen);
    editor.on('selectionUpdate', onSelection);
    return () => {
      clearTimeout(timer);
      editor.off('commentsPlaced', onPlaced);
      editor.off('commentChosen', onChosen);
      editor.off('selectionUpdate', onSelection);
    };
  }, [editor, publish]);

  const [moved] = useState(
    () =>
      new MovedWords(
        () => {
          const { connection, unsynced } = session.status();
          return connection === 'live' && unsynced === 0;
        },
        ({ id, anchor, revision }: Moved) => follow(brief, id, anchor, revision),
      ),
  );
  useEffect(() => {
    if (!mayComment) return;
    const onMoved = (event: { moved: readonly Moved[] }) => {
      const draft = event.moved.find(({ id }) => id === NEW);
      if (draft && draftOf(brief, NEW)) putDraft(brief, NEW, { anchor: draft.anchor });
      moved.add(event.moved.filter(({ id }) => id !== NEW));
    };
    editor.on('commentsMoved', onMoved);
    return () => {
      editor.off('commentsMoved', onMoved);
      moved.stop();
    };
  }, [editor, brief, moved, mayComment]);
  useEffect(() => {
    for (const { id, revision } of data?.threads ?? []) moved.known(id, revision);
  }, [data?.threads, moved]);

  const show = useCallback(
    (id: string) => {
      const range = commentRange(editor.state, id);
      if (range) showRange(editor, range.from, range.to);
    },
    [editor],
  );

  const compose = useCallback(() => {
    hearSelection(editor.view);
    const at = commentAt(editor.state, editor.state.selection.head);
    const anchor = selectedAnchor(editor.state);
    if (!anchor && at) {
      go({ right: 'comments', sel: { kind: 'comment', id: at } });
      setCommentDesk({ wanted: at });
      return;
    }
    go({
      right: 'comments',
      ...(mayComment && anchor ? { sel: { kind: 'comment', id: NEW } } : {}),
    });
    if (!mayComment) announce('You may read this brief and its comments, not write any.');
    else if (anchor) {
      putDraft(brief, NEW, { anchor });
      setCommentDesk({ wanted: NEW });
    } else announce('Select the words to comment on first.');
  }, [editor, brief, mayComment]);

  const walk = (step: 1 | -1) => {
    const order = commentOrder(editor.state).filter((id) => id !== NEW);
    if (order.length === 0) {
      announce('No comments in the text.');
      return;
    }
    const from = chosen === null ? -1 : order.indexOf(chosen);
    const next =
      order[
        from < 0 ? (step > 0 ? 0 : order.length - 1) : (from + step + order.length) % order.length
      ];
    if (next === undefined) return;
    go({ right: 'comments', sel: { kind: 'comment', id: next } });
    setCommentDesk({ wanted: next });
    show(next);
  };
  useCommands([
    {
      id: 'comment',
      group: 'Brief',
      label: 'Comment on the selection',
      keys: 'Mod+Alt+M',
      words: 'note annotate remark',
      run: compose,
    },
    { id: 'next-comment', group: 'Brief', label: 'Next comment', run: () => walk(1) },
    { id: 'previous-comment', group: 'Brief', label: 'Previous comment', run: () => walk(-1) },
  ]);

  useEffect(() => {
    setCommentDesk({
      port: {
        name: () => session.user.name,
        selected: () => selectedAnchor(editor.state),
        anchor: (id) => commentAnchor(editor.state, id),
        at: () => commentAt(editor.state, editor.state.selection.head),
        comment: compose,
        reveal: show,
        focus: () => editor.commands.focus(undefined, { scrollIntoView: false }),
      },
    });
  }, [editor, session, compose, show]);
  useEffect(() => leaveCommentDesk, []);

  // A comment that another pane chose is scrolled to.
  useEffect(() => {
    let last = getPlace().sel;
    return subscribePlace(() => {
      const next = getPlace().sel;
      if (next === last) return;
      last = next;
      if (next?.kind === 'comment' && !document.activeElement?.closest('[data-pane="brief"]'))
        show(next.id);
    });
  }, [show]);

  return null;
}
