import { type AnswerEvent, readEvents, request, type ServerEvent } from '../api';

const KNOWN: ReadonlySet<string> = new Set<AnswerEvent['type']>([
  'started',
  'retrieved',
  'notice',
  'token',
  'sentence',
  'cited',
  'finished',
  'declined',
  'failed',
]);

/** A server event as an answer event; null for kinds this page does not know yet. */
export function toAnswerEvent({ event, data }: ServerEvent): AnswerEvent | null {
  if (!KNOWN.has(event)) return null;
  return { ...(JSON.parse(data) as object), type: event } as AnswerEvent;
}

export interface Question {
  question: string;
  /** Source ids to search; all of the space when absent. */
  sources?: string[];
  brief?: string;
}

/** Asks, and yields what comes back as it comes. Aborting closes the request and so cancels it. */
export async function* ask(
  space: string,
  question: Question,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent> {
  const response = await request(`/api/spaces/${space}/answers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify(question),
    signal,
  });
  if (!response.body) return;
  for await (const event of readEvents(response.body)) {
    const known = toAnswerEvent(event);
    if (known) yield known;
  }
}
