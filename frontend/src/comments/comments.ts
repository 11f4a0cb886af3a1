import {
  ApiError,
  type Comments,
  type CommentThread,
  get,
  invalidate,
  patch,
  send,
  useResource,
} from '../api';
import { authorName } from './port';
import type { Draft } from './drafts';

export type Anchor = CommentThread['anchor'];

export function commentsPath(brief: string): string {
  return `/api/briefs/${brief}/comments`;
}

/** The open threads of a brief, who can be mentioned, and what one may do. */
export function useComments(brief: string | null) {
  return useResource<Comments>(brief && commentsPath(brief));
}

function resolvedPath(brief: string): string {
  return `${commentsPath(brief)}?resolved=true`;
}

const pages = new Map<string, number>();

/** All the pages that were asked for, as one. */
async function readResolved(path: string): Promise<Comments> {
  const first = await get<Comments>(path);
  let { more } = first;
  const threads = [...first.threads];
  for (let page = 1; more && page < (pages.get(path) ?? 1); page += 1) {
    const next = await get<Comments>(`${path}&before=${threads.at(-1)?.id ?? ''}`);
    threads.push(...next.threads);
    ({ more } = next);
  }
  return { ...first, threads, more };
}

/** The resolved threads, the latest first; null asks for none. */
export function useResolved(brief: string | null) {
  return useResource<Comments>(brief && resolvedPath(brief), readResolved);
}

export function moreResolved(brief: string): void {
  const path = resolvedPath(brief);
  pages.set(path, (pages.get(path) ?? 1) + 1);
  invalidate(path);
}

/** One thread, open or not; null asks for none. */
export function useThread(brief: string, thread: string | null) {
  return useResource<CommentThread>(thread && `${commentsPath(brief)}/${thread}`);
}

/** What the server answered stands at once; its event fetches the rest. */
function put(brief: string, thread: CommentThread): CommentThread {
  patch<Comments>(commentsPath(brief), (old) => {
    const others = old.threads.filter(({ id }) => id !== thread.id);
    const at = old.threads.findIndex(({ id }) => id === thread.id);
    if (thread.resolved) return { ...old, threads: others };
    return { ...old, threads: at < 0 ? [...others, thread] : old.threads.with(at, thread) };
  });
  invalidate(resolvedPath(brief));
  patch<CommentThread>(`${commentsPath(brief)}/${thread.id}`, () => thread);
  return thread;
}

function said(draft: Draft) {
  const mentions = draft.mentions.filter(({ name }) => draft.body.includes(`@${name}`));
  return {
    body: draft.body,
    mentions: mentions.map(({ subject }) => subject),
    draft: draft.id,
    name: authorName(),
  };
}

export async function begin(brief: string, draft: Draft, anchor: Anchor): Promise<CommentThread> {
  return put(brief, await send('POST', commentsPath(brief), { ...said(draft), anchor }));
}

export async function reply(brief: string, thread: string, draft: Draft): Promise<void> {
  put(brief, await send('POST', `${commentsPath(brief)}/${thread}/replies`, said(draft)));
}

export async function edit(
  brief: string,
  thread: string,
  comment: string,
  draft: Draft,
): Promise<void> {
  put(brief, await send('PATCH', `${commentsPath(brief)}/${thread}/${comment}`, said(draft)));
}

export async function remove(brief: string, thread: string, comment: string): Promise<void> {
  await send('DELETE', `${commentsPath(brief)}/${thread}/${comment}`);
  invalidate(commentsPath(brief));
}

export async function resolve(brief: string, thread: string, resolved: boolean): Promise<void> {
  const change = { resolved, name: authorName() };
  put(brief, await send('PATCH', `${commentsPath(brief)}/${thread}`, change));
}

/** Anchors a thread to other words, as a person chose. */
export async function attach(brief: string, thread: string, anchor: Anchor): Promise<void> {
  put(brief, await send('PATCH', `${commentsPath(brief)}/${thread}`, { anchor }));
}

/** Tells where the same words have gone; another page may have told it first. */
export async function follow(
  brief: string,
  thread: string,
  anchor: Anchor,
  revision: number,
): Promise<void> {
  try {
    put(brief, await send('PATCH', `${commentsPath(brief)}/${thread}`, { anchor, revision }));
  } catch (error) {
    if (!(error instanceof ApiError) || error.offline) throw error;
    if (error.status === 409) invalidate(commentsPath(brief));
  }
}
