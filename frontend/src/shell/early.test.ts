import { expect, it, vi } from 'vitest';
import { WebSocket as WsSocket } from 'ws';

import { documentOf } from '../session';
import { openEarly, takeSession } from './early';

vi.stubGlobal('WebSocket', WsSocket);

it('hands the session that was opened early over once', () => {
  openEarly('brf_1');
  const doc = documentOf('brf_1');
  const first = takeSession('brf_1');
  expect(first.doc).toBe(doc);
  first.destroy();
  const second = takeSession('brf_1');
  expect(second.doc).not.toBe(doc);
  second.destroy();
});

it('ends the session that was opened early where another brief is shown', () => {
  openEarly('brf_1');
  const other = takeSession('brf_2');
  expect(other.brief).toBe('brf_2');
  expect(documentOf('brf_1')).toBeNull();
  other.destroy();
});
