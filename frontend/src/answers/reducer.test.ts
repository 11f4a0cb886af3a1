import { describe, expect, it } from 'vitest';

import type { AnswerEvent, Evidence, Trace } from '../api';
import { afterSentence, asText, broken, cancelled, fold, newRun, type Run } from './reducer';

function evidence(id: string, quote = 'Revenue grew 12 %'): Evidence {
  return {
    id,
    source: 'src_1',
    source_title: 'report.pdf',
    version: 'f'.repeat(64),
    version_number: 1,
    page: 14,
    start: 10,
    end: 27,
    quote,
    quote_hash: 'q',
    state: 'current',
    created_at: '2026-01-01T00:00:00Z',
    answer: null,
  };
}

const TRACE: Trace = { legs: [], fusion: 'rrf', stages: {}, understood: null, rerank: null };
const STARTED: AnswerEvent = {
  type: 'started',
  answer: 'ans_1',
  question: 'How fast?',
  model: 'extractive',
  kind: 'extractive',
  scope: { sources: 5, passages: 80 },
};

function run(...events: AnswerEvent[]): Run {
  return events.reduce(fold, newRun('How fast?'));
}

describe('an answer, folded from its events', () => {
  it('shows a chip only when its quote was found, on the sentence it belongs to', () => {
    const before = run(
      STARTED,
      { type: 'retrieved', hits: [], trace: TRACE },
      { type: 'sentence', index: 0, text: 'Revenue grew 12 %.' },
      { type: 'sentence', index: 1, text: 'Costs fell.' },
    );
    expect(before.sentences.map((s) => s.chips.length)).toEqual([0, 0]);
    const after = fold(before, {
      type: 'cited',
      index: 1,
      evidence: evidence('cit_1'),
      passage: 'p',
    });
    expect(after.sentences.map((s) => s.chips.length)).toEqual([0, 1]);
  });

  it('does not double a citation that arrives twice', () => {
    const cited: AnswerEvent = {
      type: 'cited',
      index: 0,
      evidence: evidence('cit_1'),
      passage: 'p',
    };
    const state = run(STARTED, { type: 'sentence', index: 0, text: 'A.' }, cited, cited);
    expect(state.sentences[0]?.chips).toHaveLength(1);
  });

  it('ignores a citation for a sentence that never came', () => {
    const state = run(STARTED, {
      type: 'cited',
      index: 3,
      evidence: evidence('cit_1'),
      passage: 'p',
    });
    expect(state.sentences).toEqual([]);
  });

  it('moves text out of the live draft when its sentence is whole', () => {
    const state = run(
      STARTED,
      { type: 'token', text: 'Revenue grew 12 % [1]. Co' },
      { type: 'sentence', index: 0, text: 'Revenue grew 12 %.' },
    );
    expect(state.draft).toBe('Co');
  });

  it('drops what the first model was saying when another takes over', () => {
    const state = run(
      STARTED,
      { type: 'token', text: 'Half a thou' },
      { type: 'notice', code: 'fell_back', message: 'The model is down.', sentences: [] },
    );
    expect(state.draft).toBe('');
    expect(state.notices.map((n) => n.message)).toEqual(['The model is down.']);
  });

  it('does not change after it ended, whatever still arrives', () => {
    const ended = run(STARTED, { type: 'sentence', index: 0, text: 'A.' });
    for (const over of [
      cancelled(ended),
      broken(ended, { code: 'x', message: 'lost', remedy: null }),
    ]) {
      expect(fold(over, { type: 'sentence', index: 1, text: 'B.' })).toBe(over);
      expect(cancelled(over)).toBe(over);
    }
  });

  it('keeps checked sentences when the person stops it', () => {
    const state = cancelled(run(STARTED, { type: 'sentence', index: 0, text: 'A.' }));
    expect(state.phase).toBe('cancelled');
    expect(state.sentences).toHaveLength(1);
  });

  it('says what was searched when it declines, and invents nothing', () => {
    const state = run(STARTED, {
      type: 'declined',
      answer: 'ans_1',
      reason: 'Nothing is close enough.',
      searched: { legs: ['bm25', 'dense'], sources: 5, passages: 80 },
      nearest: [],
    });
    expect(state.declined).toEqual({
      reason: 'Nothing is close enough.',
      legs: ['bm25', 'dense'],
      sources: 5,
      passages: 80,
    });
    expect(state.sentences).toEqual([]);
  });

  it('copies as text with references numbered by first appearance', () => {
    const state = run(
      STARTED,
      { type: 'sentence', index: 0, text: 'A.' },
      { type: 'sentence', index: 1, text: 'B.' },
      { type: 'cited', index: 1, evidence: evidence('cit_2', 'two'), passage: 'p' },
      { type: 'cited', index: 0, evidence: evidence('cit_1', 'one'), passage: 'p' },
      { type: 'cited', index: 1, evidence: evidence('cit_1', 'one'), passage: 'p' },
    );
    expect(asText(state)).toBe(
      'A. [1] B. [2][1]\n\n[1] report.pdf, p. 14: “one”\n[2] report.pdf, p. 14: “two”',
    );
  });
});

describe('the live draft', () => {
  it('loses a whole sentence in spite of marks and spacing', () => {
    expect(afterSentence('It  grew [1, 2] by 12 %[3]. Next', 'It grew by 12 %.')).toBe('Next');
    expect(afterSentence('It grew. [1] [2] Next', 'It grew.')).toBe('Next');
    expect(afterSentence('It grew.', 'It grew.')).toBe('');
  });

  it('is dropped when the sentence is not in it', () => {
    expect(afterSentence('Something else entirely', 'It grew.')).toBe('');
  });
});
