import { describe, expect, it } from 'vitest';

import type { Cost } from '../api';
import { costWords } from './CostToday';

const NOTHING: Cost = {
  since: '2026-01-01T00:00:00Z',
  kind: 'llm',
  model: 'small',
  answers: 3,
  passages_read: 0,
  prompt_tokens: 12_000,
  completion_tokens: 1,
  cost_usd: 0,
  unpriced: 0,
};

describe('the cost of today', () => {
  it('is nothing where no model is asked, unless one was before', () => {
    expect(costWords({ ...NOTHING, kind: 'extractive' }).words).toBe('no cost today');
    const before = { ...NOTHING, kind: 'extractive' as const, cost_usd: 0.5 };
    expect(costWords(before).words).toBe('cost today 0.50 USD');
  });

  it('counts what a model read for the graph', () => {
    expect(costWords({ ...NOTHING, passages_read: 120 }).title).toContain(
      '3 answers today, 120 passages read for the graph, ',
    );
  });

  it('never takes an unknown price for none', () => {
    expect(costWords({ ...NOTHING, unpriced: 1 }).words).toBe('cost today unknown');
    const some = costWords({ ...NOTHING, cost_usd: 0.031, unpriced: 1 });
    expect(some.words).toBe('cost today over 0.03 USD');
    expect(some.title).toBe(
      '3 answers today, 12,000 tokens read and 1 token written by small, 1 reply of unknown price.',
    );
  });
});
