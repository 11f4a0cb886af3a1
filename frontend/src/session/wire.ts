import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as awarenessProtocol from 'y-protocols/awareness';
import * as syncProtocol from 'y-protocols/sync';
import * as Y from 'yjs';

/* The bytes of a room: the y-protocols every Yjs client speaks, and two messages of ours. */

const SYNC = 0;
const AWARENESS = 1;
const QUERY_AWARENESS = 3;
const HELLO = 100;
const SAVED = 101;

export const PROTOCOL_VERSION = 1;

/** The most bytes a room takes in one message. */
export const LARGEST_MESSAGE = 16 * 1024 * 1024;

/** Why a room closed a socket; the numbers are the room's. */
export const CLOSE = {
  malformed: 4400,
  signedOut: 4401,
  refused: 4403,
  missing: 4404,
  /** What one may do is another now; the next greeting says what. */
  changed: 4503,
  slow: 4508,
  tooLarge: 4413,
  storeFailed: 4500,
  /** From below the room, which never saw the message. */
  tooLargeForSocket: 1009,
} as const;

export type Access = 'read' | 'write';

export type Incoming =
  | { type: 'hello'; version: number; epoch: string; access: Access }
  /** The first `count` update-bearing messages of this connection are durable. */
  | { type: 'saved'; count: number }
  | { type: 'step1'; vector: Uint8Array }
  | { type: 'update'; update: Uint8Array; answer: boolean }
  | { type: 'awareness'; update: Uint8Array }
  | { type: 'queryAwareness' }
  | { type: 'unknown'; code: number };

function message(write: (encoder: encoding.Encoder) => void): Uint8Array<ArrayBuffer> {
  const encoder = encoding.createEncoder();
  write(encoder);
  return new Uint8Array(encoding.toUint8Array(encoder));
}

export function hello(epoch: string): Uint8Array<ArrayBuffer> {
  return message((encoder) => {
    encoding.writeVarUint(encoder, HELLO);
    encoding.writeVarUint(encoder, PROTOCOL_VERSION);
    encoding.writeVarString(encoder, epoch);
  });
}

/** Asks for everything this document lacks. */
export function step1(doc: Y.Doc): Uint8Array<ArrayBuffer> {
  return message((encoder) => {
    encoding.writeVarUint(encoder, SYNC);
    syncProtocol.writeSyncStep1(encoder, doc);
  });
}

/** Answers a step 1: everything the other side lacks. */
export function step2(doc: Y.Doc, vector: Uint8Array): Uint8Array<ArrayBuffer> {
  return message((encoder) => {
    encoding.writeVarUint(encoder, SYNC);
    syncProtocol.writeSyncStep2(encoder, doc, vector);
  });
}

export function update(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return message((encoder) => {
    encoding.writeVarUint(encoder, SYNC);
    syncProtocol.writeUpdate(encoder, bytes);
  });
}

export function awareness(
  states: awarenessProtocol.Awareness,
  clients: number[],
): Uint8Array<ArrayBuffer> {
  return message((encoder) => {
    encoding.writeVarUint(encoder, AWARENESS);
    encoding.writeVarUint8Array(encoder, awarenessProtocol.encodeAwarenessUpdate(states, clients));
  });
}

export function queryAwareness(): Uint8Array<ArrayBuffer> {
  return message((encoder) => encoding.writeVarUint(encoder, QUERY_AWARENESS));
}

/** Reads one frame. Throws when it is cut short. */
export function read(bytes: Uint8Array): Incoming {
  const decoder = decoding.createDecoder(bytes);
  const code = decoding.readVarUint(decoder);
  switch (code) {
    case SYNC: {
      const step = decoding.readVarUint(decoder);
      const body = decoding.readVarUint8Array(decoder);
      if (step === syncProtocol.messageYjsSyncStep1) return { type: 'step1', vector: body };
      if (step === syncProtocol.messageYjsSyncStep2)
        return { type: 'update', update: body, answer: true };
      if (step === syncProtocol.messageYjsUpdate)
        return { type: 'update', update: body, answer: false };
      return { type: 'unknown', code: step };
    }
    case AWARENESS:
      return { type: 'awareness', update: decoding.readVarUint8Array(decoder) };
    case QUERY_AWARENESS:
      return { type: 'queryAwareness' };
    case HELLO: {
      const version = decoding.readVarUint(decoder);
      const epoch = decoding.readVarString(decoder);
      const access = decoding.readVarString(decoder) === 'write' ? 'write' : 'read';
      return { type: 'hello', version, epoch, access };
    }
    case SAVED:
      return { type: 'saved', count: decoding.readVarUint(decoder) };
    default:
      return { type: 'unknown', code };
  }
}
