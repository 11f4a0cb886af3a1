/** One server-sent event. */
export interface ServerEvent {
  event: string;
  data: string;
}

/**
 * Parses an event stream that arrives in pieces. Pieces may end anywhere, also between the CR
 * and LF of a line; comments and unknown fields are skipped, as the standard asks.
 */
export class EventParser {
  #rest = '';
  #event = '';
  #data: string[] = [];

  push(piece: string): ServerEvent[] {
    this.#rest += piece;
    const events: ServerEvent[] = [];
    for (;;) {
      const end = this.#rest.search(/[\r\n]/);
      if (end < 0) break;
      // A CR at the very end may be half of a CRLF: wait for the next piece.
      if (this.#rest[end] === '\r' && end === this.#rest.length - 1) break;
      const line = this.#rest.slice(0, end);
      const width = this.#rest.startsWith('\r\n', end) ? 2 : 1;
      this.#rest = this.#rest.slice(end + width);
      const event = this.#line(line);
      if (event) events.push(event);
    }
    return events;
  }

  #line(line: string): ServerEvent | null {
    if (line === '') {
      const event =
        this.#data.length > 0
          ? { event: this.#event || 'message', data: this.#data.join('\n') }
          : null;
      this.#event = '';
      this.#data = [];
      return event;
    }
    if (line.startsWith(':')) return null;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#event = value;
    if (field === 'data') this.#data.push(value);
    return null;
  }
}

/** The events of a response body, in order, until it ends. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    // Leaving early must close the request: that is how the server learns of a cancel.
    await reader.cancel().catch(() => undefined);
  }
}
