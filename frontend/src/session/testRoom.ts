import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { type WebSocket, WebSocketServer } from 'ws';
import { readSyncMessage, writeSyncStep1, writeUpdate } from 'y-protocols/sync';
import * as Y from 'yjs';

/** A room in miniature on a real socket, for tests: it keeps one document and says when it is saved. */
export interface TestRoom {
  readonly url: string;
  doc: Y.Doc;
  epoch: string;
  access: 'read' | 'write';
  /** While false, updates are taken and nothing is confirmed. */
  saving: boolean;
  /** The most bytes of an update-bearing message; a larger one is its sender's end. */
  largest: number;
  /** The code that ends whoever sends a larger one. */
  tooLarge: number;
  /** How many update-bearing messages came in, over all connections. */
  received: number;
  /** The code that ends whoever comes in, while there is one. */
  turnAway: number | null;
  /** Takes nothing in and says nothing, as over a line that is dead. */
  deaf: boolean;
  /** How many of the changes that come next are lost on the way in. */
  losesIn: number;
  /** How many of those that are told next are lost on the way out. */
  losesOut: number;
  /** Milliseconds that the document, and what is said after it, takes to arrive. */
  slow: number;
  /** How many connections there have been. */
  opened: number;
  /** How often a sign of life was asked for. */
  queried: number;
  connections(): number;
  /** Confirms everything so far. */
  save(): void;
  hangUp(code?: number): void;
  close(): Promise<void>;
}

interface Visitor {
  socket: WebSocket;
  received: number;
  hello: boolean;
}

function frame(write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder();
  write(encoder);
  return encoding.toUint8Array(encoder);
}

export async function openTestRoom(port = 0): Promise<TestRoom> {
  const server = new WebSocketServer({ host: '127.0.0.1', port });
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const visitors = new Set<Visitor>();

  const confirm = (visitor: Visitor) => {
    if (!visitor.hello) return;
    visitor.socket.send(
      frame((encoder) => {
        encoding.writeVarUint(encoder, 101);
        encoding.writeVarUint(encoder, visitor.received);
      }),
    );
  };

  const room: TestRoom = {
    url: `ws://127.0.0.1:${address.port}`,
    doc: new Y.Doc(),
    epoch: 'first',
    access: 'write',
    saving: true,
    largest: Infinity,
    tooLarge: 4413,
    turnAway: null,
    deaf: false,
    losesIn: 0,
    losesOut: 0,
    slow: 0,
    received: 0,
    opened: 0,
    queried: 0,
    connections: () => visitors.size,
    save: () => visitors.forEach(confirm),
    hangUp: (code = 1001) => visitors.forEach(({ socket }) => socket.close(code)),
    async close() {
      for (const { socket } of visitors) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  server.on('connection', (socket) => {
    const visitor: Visitor = { socket, received: 0, hello: false };
    visitors.add(visitor);
    room.opened += 1;
    if (room.turnAway !== null) {
      socket.close(room.turnAway);
      return;
    }
    socket.on('close', () => visitors.delete(visitor));
    const begin = () =>
      socket.send(
        frame((encoder) => {
          encoding.writeVarUint(encoder, 0);
          writeSyncStep1(encoder, room.doc);
        }),
      );
    const later = (bytes: Uint8Array) => {
      if (room.slow) setTimeout(() => socket.send(bytes), room.slow);
      else socket.send(bytes);
    };
    socket.on('message', (data: Buffer) => {
      if (room.deaf) return;
      const bytes = new Uint8Array(data);
      const decoder = decoding.createDecoder(bytes);
      const type = decoding.readVarUint(decoder);
      if (type === 100) {
        visitor.hello = true;
        socket.send(
          frame((encoder) => {
            encoding.writeVarUint(encoder, 100);
            encoding.writeVarUint(encoder, 1);
            encoding.writeVarString(encoder, room.epoch);
            encoding.writeVarString(encoder, room.access);
          }),
        );
        begin();
        return;
      }
      if (type === 1) {
        for (const other of visitors) if (other !== visitor) other.socket.send(bytes);
        return;
      }
      if (type === 3) {
        room.queried += 1;
        // An awareness update of nobody, as the real room answers when nobody is there.
        later(new Uint8Array([1, 1, 0]));
        return;
      }
      if (type !== 0) return;
      if (room.losesIn > 0 && bytes[1] !== 0) {
        room.losesIn -= 1;
        return;
      }
      if (bytes.length > room.largest) {
        socket.close(room.tooLarge);
        return;
      }
      const answer = encoding.createEncoder();
      encoding.writeVarUint(answer, 0);
      const before = Y.encodeStateVector(room.doc);
      const step = readSyncMessage(decoder, answer, room.doc, visitor);
      if (encoding.length(answer) > 1) later(encoding.toUint8Array(answer));
      if (step === 0) return;
      visitor.received += 1;
      room.received += 1;
      if (room.losesOut > 0) {
        room.losesOut -= 1;
        if (room.saving) confirm(visitor);
        return;
      }
      const change = Y.encodeStateAsUpdate(room.doc, before);
      for (const other of visitors)
        if (other !== visitor)
          other.socket.send(
            frame((encoder) => {
              encoding.writeVarUint(encoder, 0);
              writeUpdate(encoder, change);
            }),
          );
      if (room.saving) confirm(visitor);
    });
  });
  return room;
}
