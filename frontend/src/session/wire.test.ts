import * as encoding from 'lib0/encoding';
import { expect, it } from 'vitest';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';

import * as wire from './wire';

function doc(words: string): Y.Doc {
  const made = new Y.Doc();
  made.getText('title').insert(0, words);
  return made;
}

it('writes the hello the room expects: 100, version 1, the epoch', () => {
  expect([...wire.hello('ab')]).toEqual([100, 1, 2, 97, 98]);
  expect([...wire.hello('')]).toEqual([100, 1, 0]);
});

it('reads what a room says of itself, and takes an unknown access for the lesser one', () => {
  const frame = (access: string) => {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 100);
    encoding.writeVarUint(encoder, 1);
    encoding.writeVarString(encoder, 'e1');
    encoding.writeVarString(encoder, access);
    return wire.read(encoding.toUint8Array(encoder));
  };
  expect(frame('write')).toEqual({ type: 'hello', version: 1, epoch: 'e1', access: 'write' });
  expect(frame('owner')).toMatchObject({ access: 'read' });
});

it('reads a count of saved messages larger than one byte', () => {
  expect(wire.read(new Uint8Array([101, 0xac, 0x02]))).toEqual({ type: 'saved', count: 300 });
});

it('brings one document to another in two steps', () => {
  const here = doc('words');
  const there = new Y.Doc();
  const asked = wire.read(wire.step1(there));
  if (asked.type !== 'step1') throw new Error(asked.type);
  const answered = wire.read(wire.step2(here, asked.vector));
  if (answered.type !== 'update') throw new Error(answered.type);
  expect(answered.answer).toBe(true);
  Y.applyUpdate(there, answered.update);
  expect(there.getText('title').toJSON()).toBe('words');
});

it('refuses a frame that was cut short', () => {
  const bytes = wire.update(Y.encodeStateAsUpdate(doc('words')));
  expect(() => wire.read(bytes.slice(0, -3))).toThrow();
  expect(() => wire.read(new Uint8Array())).toThrow();
});

it('passes messages it does not know', () => {
  expect(wire.read(new Uint8Array([77, 1, 2]))).toEqual({ type: 'unknown', code: 77 });
});

it('carries awareness and the question for it', () => {
  const awareness = new Awareness(new Y.Doc());
  awareness.setLocalStateField('user', { name: 'Ada' });
  expect(wire.read(wire.awareness(awareness, [awareness.clientID])).type).toBe('awareness');
  expect(wire.read(wire.queryAwareness())).toEqual({ type: 'queryAwareness' });
  awareness.destroy();
});
