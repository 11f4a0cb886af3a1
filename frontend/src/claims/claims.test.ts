import { describe, expect, it } from 'vitest';

import type { Claim, Verdict } from '../api';
import { nextUnresolved } from './claims';

function claim(order: number, verdict: Verdict): Claim {
  return {
    hash: `h${order}`,
    block: `b${order}`,
    text: `Claim ${order}.`,
    cites: [],
    verdict,
    reason: '',
    evidence: [],
    order,
  };
}

const CLAIMS = [
  claim(3, 'unsupported'),
  claim(0, 'supported'),
  claim(1, 'stale'),
  claim(2, 'opinion'),
  claim(4, 'supported'),
];

describe('F8 and Shift+F8', () => {
  it('go through what is unresolved in document order, round the end', () => {
    expect(nextUnresolved(CLAIMS, null, 1)?.hash).toBe('h1');
    expect(nextUnresolved(CLAIMS, 'h1', 1)?.hash).toBe('h3');
    expect(nextUnresolved(CLAIMS, 'h3', 1)?.hash).toBe('h1');
    expect(nextUnresolved(CLAIMS, null, -1)?.hash).toBe('h3');
    expect(nextUnresolved(CLAIMS, 'h1', -1)?.hash).toBe('h3');
  });

  it('start from the selected claim although it is resolved itself', () => {
    expect(nextUnresolved(CLAIMS, 'h2', 1)?.hash).toBe('h3');
    expect(nextUnresolved(CLAIMS, 'h2', -1)?.hash).toBe('h1');
  });

  it('find nothing when all is resolved', () => {
    expect(nextUnresolved([claim(0, 'supported')], null, 1)).toBeNull();
  });
});
