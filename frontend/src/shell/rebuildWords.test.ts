import { describe, expect, it } from 'vitest';

import type { Rebuild } from '../api';
import { rebuildWords } from './Rebuilt';

const HALF: Rebuild = {
  running: true,
  legs: ['dense'],
  answering: true,
  done: 4100,
  total: 13_000,
  notes: [],
  error: null,
};

describe('a rebuild in words', () => {
  it('names the index, how far it is, and what answers meanwhile', () => {
    expect(rebuildWords(HALF)).toEqual({
      title: 'Rebuilding the dense index',
      rest: '4,100 of 13,000 · the old one answers meanwhile',
    });
    const all = { ...HALF, legs: ['bm25', 'hashing', 'graph'], done: 0, total: 0 };
    expect(rebuildWords(all)).toEqual({
      title: 'Rebuilding the word, dense and graph indexes',
      rest: 'the old ones answer meanwhile',
    });
  });

  it('does not say that the old one answers where there is none', () => {
    expect(rebuildWords({ ...HALF, answering: false }).rest).not.toContain('old');
  });
});
