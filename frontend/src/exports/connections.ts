import { get, invalidate, send, useResource } from '../api';
import type {
  Connection,
  ConnectWay,
  Json,
  Listening,
  MappingChoice,
  PlaceFound,
  RemoteKind,
} from './types';

export function connectionsPath(space: string): string {
  return `/api/spaces/${space}/connections`;
}

export function useConnections(space: string | null) {
  return useResource<Connection[]>(space && connectionsPath(space));
}

/** What may be connected on this server, and how. */
export function useConnectWays(space: string) {
  return useResource<ConnectWay[]>(`${connectionsPath(space)}/ways`);
}

function changed(space: string): void {
  invalidate(connectionsPath(space));
  // Targets say whether their connection is good.
  invalidate('/api/briefs/');
}

/**
 * Connects by what a person copied over there; the server tries it before it keeps it. `again` is
 * the connection that it is to replace.
 */
export async function connect(
  space: string,
  kind: RemoteKind,
  secret: Record<string, string>,
  again: string | null,
): Promise<Connection> {
  const made = await send<Connection>('POST', connectionsPath(space), {
    kind,
    ...secret,
    connection: again,
  });
  changed(space);
  return made;
}

/** Asks over there who the token is. */
export async function checkConnection(space: string, connection: string): Promise<Connection> {
  const checked = await send<Connection>('POST', `${connectionsPath(space)}/${connection}/check`);
  changed(space);
  return checked;
}

/** Whether the token is worth nothing now over there, too. */
export async function disconnect(space: string, connection: string): Promise<boolean> {
  const path = `${connectionsPath(space)}/${connection}`;
  const { revoked } = await send<{ revoked: boolean }>('DELETE', path);
  changed(space);
  return revoked;
}

/** Where a person goes to say yes to us over there. */
export async function signIn(
  space: string,
  kind: RemoteKind,
  site: string,
  again: string | null,
): Promise<string> {
  const asked = { kind, site, connection: again };
  return (await send<{ url: string }>('POST', `${connectionsPath(space)}/sign-in`, asked)).url;
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

function hookPath(connection: string): string {
  return `/api/connections/${connection}/hook`;
}

/** How a connection hears of changes; null asks for none. */
export function useListening(connection: string | null) {
  return useResource<Listening>(connection && hookPath(connection));
}

/** Begins anew to hear of changes. */
export async function listen(connection: string): Promise<void> {
  await send('POST', hookPath(connection));
  invalidate(hookPath(connection));
}
