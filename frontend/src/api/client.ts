import type { Problem } from './types';

/** What the server, or the way to it, refused: always with a sentence a person can act on. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.message);
    this.name = 'ApiError';
  }

  /** True when no server answered at all. */
  get offline(): boolean {
    return this.status === 0;
  }
}

const UNREACHABLE: Problem = {
  code: 'unreachable',
  message: 'The server does not answer.',
  remedy: 'Start it with ./stratmaster up, or check the network; this page tries again by itself.',
};

type Listener = (reachable: boolean) => void;
const listeners = new Set<Listener>();
let reachable = true;

/** Whether the last request reached the server. */
export function isReachable(): boolean {
  return reachable;
}

export function onReachable(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Records that the server did or did not answer; event streams report here as well. */
export function setReachable(next: boolean): void {
  if (next === reachable) return;
  reachable = next;
  for (const listener of listeners) listener(next);
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** fetch() that turns every refusal into an ApiError; an abort passes through as it is. */
export async function request(path: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (isAbort(error)) throw error;
    setReachable(false);
    throw new ApiError(0, UNREACHABLE);
  }
  // A proxy in front of a stopped server answers in its place.
  if (response.status === 502 || response.status === 504) {
    setReachable(false);
    throw new ApiError(0, UNREACHABLE);
  }
  setReachable(true);
  if (!response.ok) throw new ApiError(response.status, await problemOf(response));
  return response;
}

/** Reads the error body our server sends; anything else becomes a sentence naming the status. */
export async function problemOf(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as { error?: Partial<Problem> } | null;
    const error = body?.error;
    if (error?.message) {
      return {
        code: error.code ?? 'error',
        message: error.message,
        remedy: error.remedy ?? null,
      };
    }
  } catch {
    // not JSON: fall through to the status line
  }
  return {
    code: `http_${response.status}`,
    message: `The server answered ${response.status} ${response.statusText}`.trim() + '.',
    remedy: 'Try again; if it stays, the server log names the cause.',
  };
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await request(path, signal ? { signal } : {});
  return (await response.json()) as T;
}

/** Sends JSON (or nothing) and reads JSON; an empty answer reads as null. */
export async function send<T>(
  method: 'POST' | 'PUT' | 'DELETE' | 'PATCH',
  path: string,
  body?: unknown,
): Promise<T> {
  const response = await request(path, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return (text ? JSON.parse(text) : null) as T;
}

/** A readable sentence for anything that was thrown. */
export function asProblem(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  return {
    code: 'unexpected',
    message: error instanceof Error ? error.message : String(error),
    remedy: null,
  };
}
