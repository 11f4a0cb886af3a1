import { describe, expect, it } from 'vitest';

import { EventParser, readEvents } from './sse';

const STREAM =
  ': ping\r\n\r\nevent: sentence\r\ndata: {"text":"Grüße 😀"}\r\n\r\ndata: a\ndata:b\nid: 7\n\nevent: empty\n\n';
const EXPECTED = [
  { event: 'sentence', data: '{"text":"Grüße 😀"}' },
  { event: 'message', data: 'a\nb' },
];

describe('an event stream', () => {
  it('reads the same wherever the pieces end', () => {
    for (let cut = 0; cut <= STREAM.length; cut += 1) {
      const parser = new EventParser();
      const events = [...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))];
      expect(events).toEqual(EXPECTED);
    }
  });

  it('reads a character whose bytes are split over two pieces', async () => {
    const bytes = new TextEncoder().encode(STREAM);
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
        controller.close();
      },
    });
    const events = [];
    for await (const event of readEvents(body)) events.push(event);
    expect(events).toEqual(EXPECTED);
  });

  it('closes the request when its reader leaves early', async () => {
    let closed = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
      cancel: () => {
        closed = true;
      },
    });
    for await (const event of readEvents(body)) {
      expect(event.data).toBe('1');
      break;
    }
    expect(closed).toBe(true);
  });
});
