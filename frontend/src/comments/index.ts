export {
  type Anchor,
  attach,
  begin,
  commentsPath,
  edit,
  follow,
  moreResolved,
  remove,
  reply,
  resolve,
  useComments,
  useResolved,
  useThread,
} from './comments';
export { type Draft, draftOf, dropDraft, forgetCommentDrafts, putDraft, useDraft } from './drafts';
export { type Moved, MovedWords } from './moved';
export { markRead, useNotifications } from './notifications';
export {
  type CommentPort,
  getCommentDesk,
  leaveCommentDesk,
  NEW,
  setCommentDesk,
  useCommentDesk,
} from './port';
export { mentionAt, piecesOf, quoteOf, sorted } from './words';
