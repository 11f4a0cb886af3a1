import { useEffect, useSyncExternalStore } from 'react';

import {
  type Brief,
  invalidate,
  patch,
  type Rebuild,
  refetch,
  request,
  setReachable,
  type Source,
  useResource,
} from '../api';
import { refreshEvidence } from './evidence';
import { Uploads } from './uploads';

export function sourcesPath(space: string): string {
  return `/api/spaces/${space}/sources`;
}

/** The list with this source in it, in place of its earlier state. */
export function withSource(list: readonly Source[], source: Source): Source[] {
  const at = list.findIndex((item) => item.id === source.id);
  if (at < 0) return [source, ...list];
  const old = list[at];
  // Events and answers may cross; the older of two states is never put back.
  if (old && old.updated_at > source.updated_at) return [...list];
  return list.with(at, source);
}

export const uploads = new Uploads(
  async (space, { file, path }, signal) => {
    const body = new FormData();
    body.append('file', file, file.name);
    body.append('path', path);
    const response = await request(sourcesPath(space), { method: 'POST', body, signal });
    return (await response.json()) as Source;
  },
  (space, source) => {
    patch<Source[]>(sourcesPath(space), (list) => withSource(list, source));
  },
);

export function useUploads(space: string) {
  const rows = useSyncExternalStore(uploads.subscribe, () => uploads.rows);
  return rows.filter((row) => row.space === space);
}

export function useSources(space: string | null) {
  return useResource<Source[]>(space && sourcesPath(space));
}

/** Follows what happens in a space: files being read, briefs made or renamed. */
export function useSpaceEvents(space: string | null): void {
  useEffect(() => {
    if (!space || typeof EventSource === 'undefined') return;
    const stream = new EventSource(`/api/spaces/${space}/events`);
    let opened = false;
    let pending: Source[] = [];
    let timer: ReturnType<typeof setTimeout> | null = null;
    // A thousand files make thousands of events: they are taken in a few times a second.
    const flush = () => {
      timer = null;
      const batch = pending;
      pending = [];
      patch<Source[]>(sourcesPath(space), (list) => batch.reduce<Source[]>(withSource, list));
      if (batch.some((source) => source.state === 'ready')) {
        invalidate('/api/spaces');
        invalidate('/api/sources/');
        refreshEvidence();
      }
    };
    stream.addEventListener('open', () => {
      setReachable(true);
      // What happened while the line was down was not told.
      if (opened) {
        void refetch(sourcesPath(space));
        invalidate('/api/briefs/');
        invalidate('/api/rebuild');
      }
      opened = true;
    });
    stream.addEventListener('error', () => {
      if (stream.readyState !== EventSource.OPEN) setReachable(false);
    });
    stream.addEventListener('source', (event: MessageEvent<string>) => {
      pending.push(JSON.parse(event.data) as Source);
      timer ??= setTimeout(flush, 120);
    });
    stream.addEventListener('rebuild', (event: MessageEvent<string>) => {
      const now = JSON.parse(event.data) as Rebuild;
      patch<Rebuild>('/api/rebuild', () => now);
      if (!now.running) invalidate('/api/health');
    });
    stream.addEventListener('source_deleted', (event: MessageEvent<string>) => {
      const { id } = JSON.parse(event.data) as { id: string };
      patch<Source[]>(sourcesPath(space), (list) => list.filter((source) => source.id !== id));
      refreshEvidence();
      invalidate('/api/spaces');
      // Claims that rested on it have another verdict now.
      invalidate('/api/briefs/');
    });
    // So much happened at once that the server tells it in one word: ask for all of it.
    stream.addEventListener('reload', () => {
      invalidate('/api/spaces');
      invalidate('/api/sources/');
      invalidate('/api/briefs/');
      invalidate('/api/rebuild');
      refreshEvidence();
    });
    stream.addEventListener('brief_deleted', (event: MessageEvent<string>) => {
      const { id } = JSON.parse(event.data) as { id: string };
      patch<Brief[]>(`/api/spaces/${space}/briefs`, (list) => list.filter((one) => one.id !== id));
      invalidate('/api/spaces');
    });
    stream.addEventListener('comments', (event: MessageEvent<string>) => {
      const { brief } = JSON.parse(event.data) as { brief: string };
      invalidate(`/api/briefs/${brief}/comments`);
      invalidate('/api/notifications');
    });
    stream.addEventListener('history', (event: MessageEvent<string>) => {
      const { brief } = JSON.parse(event.data) as { brief: string };
      invalidate(`/api/briefs/${brief}/versions`);
    });
    stream.addEventListener('export', (event: MessageEvent<string>) => {
      const { brief } = JSON.parse(event.data) as { brief?: string };
      invalidate(brief ? `/api/briefs/${brief}/targets` : '/api/briefs/');
    });
    stream.addEventListener('connections', () => {
      invalidate(`/api/spaces/${space}/connections`);
      invalidate('/api/briefs/');
    });
    stream.addEventListener('members', () => {
      invalidate(`/api/spaces/${space}/members`);
      invalidate('/api/spaces');
      // Whoever may do something else now is shown something else.
      invalidate('/api/briefs/');
    });
    stream.addEventListener('brief', () => {
      invalidate(`/api/spaces/${space}/briefs`);
      invalidate('/api/briefs/');
    });
    return () => {
      stream.close();
      if (timer) clearTimeout(timer);
    };
  }, [space]);
}
