import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { CommentThread } from '../api';
import { draftOf, dropDraft, forgetCommentDrafts, putDraft } from './drafts';
import { type Moved, MovedWords } from './moved';
import { mentionAt, piecesOf, quoteOf, sorted } from './words';

const ANCHOR = { start: 'AA', end: 'AA', block: 'b', text: 'x', before: '', after: '' };

describe('words that moved', () => {
  let sent: string[];
  let ready: boolean;
  let failing: boolean;
  let words: MovedWords;
  const one = (id: string, own: boolean, revision = 1): Moved => ({
    id,
    own,
    revision,
    anchor: ANCHOR,
  });

  beforeEach(() => {
    vi.useFakeTimers();
    [sent, ready, failing] = [[], true, false];
    words = new MovedWords(
      () => ready,
      ({ id }) => {
        if (failing) return Promise.reject(new Error('away'));
        sent.push(id);
        return Promise.resolve();
      },
      () => 0.5,
    );
  });
  afterEach(() => vi.useRealTimers());

  it('are told soon and once by the page that moved them', async () => {
    words.add([one('a', true)]);
    words.add([one('a', true), one('b', true)]);
    await vi.advanceTimersByTimeAsync(900);
    expect(sent).toEqual(['a', 'b']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toHaveLength(2);
  });

  it('are left to that page for a while by the others, and told if it does not', async () => {
    words.add([one('a', false), one('b', false)]);
    await vi.advanceTimersByTimeAsync(4000);
    expect(sent).toEqual([]);
    words.known('a', 2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toEqual(['b']);
  });

  it('wait until the server has the text they are in, and for the server itself', async () => {
    ready = false;
    words.add([one('a', true)]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent).toEqual([]);
    [ready, failing] = [true, true];
    const said = vi.spyOn(console, 'info').mockImplementation(() => undefined);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent).toEqual([]);
    failing = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent).toEqual(['a']);
    said.mockRestore();
  });
});

describe('drafts', () => {
  it('outlive the page, keep their name, and count their anchors', () => {
    const first = putDraft('brf', 'new', { body: 'So?', anchor: ANCHOR });
    forgetCommentDrafts(); // as a reload does
    expect(draftOf('brf', 'new')).toEqual(first);
    const next = putDraft('brf', 'new', { body: 'So then?', anchor: ANCHOR });
    expect([next.id, next.revision]).toEqual([first.id, 2]);
    expect(draftOf('other', 'new')).toBeNull();
    dropDraft('brf', 'new');
    forgetCommentDrafts();
    expect(draftOf('brf', 'new')).toBeNull();
    expect(putDraft('brf', 'new', {}).id).not.toBe(first.id);
    dropDraft('brf', 'new');
  });
});

describe('mentions', () => {
  it.each([
    ['@', 1, ''],
    ['Ask @An', 7, 'An'],
    ['(@Guest He', 10, 'Guest He'],
    ['line\n@b', 7, 'b'],
  ])('are being typed in %j', (body, caret, query) => {
    expect(mentionAt(body, caret)).toEqual({ query, from: caret - query.length - 1 });
  });
  it.each(['a@b.example', 'no', '@Ann, and\n', '@ '])('are not in %j', (body) => {
    expect(mentionAt(body, body.length)).toBeNull();
  });
  it('are told apart in what was said, the longer name first', () => {
    const mentions = [
      { subject: 'ann', name: 'Ann' },
      { subject: 'lee', name: 'Ann Lee' },
    ];
    expect(piecesOf({ body: 'See @Ann Lee, @Ann.', mentions })).toEqual([
      { text: 'See ', mention: false },
      { text: '@Ann Lee', mention: true },
      { text: ', ', mention: false },
      { text: '@Ann', mention: true },
      { text: '.', mention: false },
    ]);
  });
});

it('a quote is a line, also of a citation alone', () => {
  expect(quoteOf('grew\ufffc\nfast')).toBe('grew fast');
  expect(quoteOf('\ufffc')).toBe('a citation or a picture');
});

it('threads stand as their words do; whether words are gone is not said before the text is there', () => {
  const threads = ['a', 'b', 'c'].map((id) => ({ id }) as CommentThread);
  const ids = (list: readonly CommentThread[]) => list.map(({ id }) => id);
  const known = sorted(threads, ['c', 'a']);
  expect([ids(known.placed), ids(known.gone)]).toEqual([['c', 'a'], ['b']]);
  const unknown = sorted(threads, null);
  expect([ids(unknown.placed), ids(unknown.gone)]).toEqual([['a', 'b', 'c'], []]);
});
