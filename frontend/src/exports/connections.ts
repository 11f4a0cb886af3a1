import { get, invalidate, send, useResource } from '../api';
import type { Connection, Json, MappingChoice, PlaceFound, RemoteKind } from './types';

function connectionsPath(space: string): string {
  return `/api/spaces/${space}/connections`;
}

export function useConnections(space: string | null) {
  return useResource<Connection[]>(space && connectionsPath(space));
}

/** Connects by what a person copied over there; the server tries it before it keeps it. */
export async function connect(
  space: string,
  kind: RemoteKind,
  secret: Record<string, string>,
): Promise<Connection> {
  const made = await send<Connection>('POST', connectionsPath(space), { kind, ...secret });
  invalidate(connectionsPath(space));
  return made;
}

/** Asks over there who the token is. */
export async function checkConnection(space: string, connection: string): Promise<Connection> {
  const checked = await send<Connection>('POST', `${connectionsPath(space)}/${connection}/check`);
  invalidate(connectionsPath(space));
  return checked;
}

export async function disconnect(space: string, connection: string): Promise<void> {
  await send('DELETE', `${connectionsPath(space)}/${connection}`);
  invalidate(connectionsPath(space));
  invalidate('/api/briefs/');
}

/** Where a person goes to say yes to us over there. */
export async function signIn(space: string, kind: RemoteKind): Promise<string> {
  return (await send<{ url: string }>('POST', `${connectionsPath(space)}/sign-in`, { kind })).url;
}

export function findPlaces(
  connection: string,
  query: string,
  signal: AbortSignal,
): Promise<PlaceFound[]> {
  const path = `/api/connections/${connection}/places?q=${encodeURIComponent(query)}`;
  return get<PlaceFound[]>(path, signal);
}

/** What may be chosen about a place; `mapping` is what was chosen so far. */
export function mappingChoices(
  connection: string,
  where: Record<string, Json>,
  mapping: Record<string, Json>,
): Promise<MappingChoice[]> {
  const path = `/api/connections/${connection}/choices`;
  return send<MappingChoice[]>('POST', path, { where, mapping });
}
