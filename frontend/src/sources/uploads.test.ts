import { describe, expect, it } from 'vitest';

import { ApiError, type Source } from '../api';
import type { Incoming } from './files';
import { Uploads } from './uploads';

interface Sent {
  path: string;
  signal: AbortSignal;
  take: () => void;
  refuse: (message: string) => void;
}

function desk(atOnce = 3) {
  const sent: Sent[] = [];
  const taken: string[] = [];
  const uploads = new Uploads(
    (_space, { path }, signal) =>
      new Promise<Source>((resolve, reject) => {
        sent.push({
          path,
          signal,
          take: () => resolve({ id: path } as Source),
          refuse: (message) =>
            reject(new ApiError(413, { code: 'too_large', message, remedy: 'Split it.' })),
        });
      }),
    (_space, source) => taken.push(source.id),
    atOnce,
  );
  return { uploads, sent, taken };
}

function files(n: number): Incoming[] {
  return Array.from({ length: n }, (_, i) => ({
    file: new File(['x'], `${i}.txt`),
    path: `${i}.txt`,
  }));
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('the upload queue', () => {
  it('sends three at a time and the next when one is through', async () => {
    const { uploads, sent, taken } = desk();
    uploads.add('s', files(5));
    expect(sent.map((s) => s.path)).toEqual(['0.txt', '1.txt', '2.txt']);
    sent[1]?.take();
    await settled();
    expect(sent.map((s) => s.path)).toEqual(['0.txt', '1.txt', '2.txt', '3.txt']);
    expect(taken).toEqual(['1.txt']);
    expect(uploads.rows.map((r) => r.path)).toEqual(['0.txt', '2.txt', '3.txt', '4.txt']);
  });

  it('keeps a refused file as a row with its reason and goes on with the others', async () => {
    const { uploads, sent } = desk(1);
    uploads.add('s', files(2));
    sent[0]?.refuse('0.txt has 200 MB; the limit is 100 MB.');
    await settled();
    expect(uploads.rows[0]).toMatchObject({
      state: 'failed',
      problem: { code: 'too_large', remedy: 'Split it.' },
    });
    expect(sent[1]?.path).toBe('1.txt');
  });

  it('sends a failed file again when asked', async () => {
    const { uploads, sent, taken } = desk(1);
    uploads.add('s', files(1));
    sent[0]?.refuse('no');
    await settled();
    uploads.retry(uploads.rows[0]?.key ?? 0);
    sent[1]?.take();
    await settled();
    expect(taken).toEqual(['0.txt']);
    expect(uploads.rows).toEqual([]);
  });

  it('aborts a file that is taken out while it is being sent, and frees its place', async () => {
    const { uploads, sent, taken } = desk(1);
    uploads.add('s', files(2));
    uploads.remove(uploads.rows[0]?.key ?? 0);
    expect(sent[0]?.signal.aborted).toBe(true);
    expect(sent[1]?.path).toBe('1.txt');
    sent[0]?.take();
    await settled();
    expect(taken).toEqual([]);
  });
});
