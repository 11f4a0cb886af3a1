import { describe, expect, it } from 'vitest';

import type { Counts, Outcome, Run, Target } from './types';
import {
  countsInWords,
  isUnderWay,
  needsOf,
  runInWords,
  stateOf,
  stretch,
  timeInWords,
  titlesInWords,
  wayInWords,
} from './words';

const NONE: Counts = {
  create: 0,
  update: 0,
  archive: 0,
  keep: 0,
  drift: 0,
  conflict: 0,
  astray: 0,
  writes: 0,
  reads: 0,
};

function run(change: Partial<Run> = {}): Run {
  return {
    id: 'run_1',
    state: 'running',
    stopping: false,
    actor: 'Ann',
    started_at: '2026-03-06T10:00:00Z',
    ended_at: null,
    checksum: 'c',
    counts: {},
    total: 12,
    done: 3,
    wait_until: null,
    trouble: null,
    outcomes: [],
    ...change,
  };
}

function target(change: Partial<Target> = {}): Target {
  return {
    id: 'tgt_1',
    kind: 'jira',
    name: 'Growth',
    connection: 'con_1',
    reconnect: false,
    where: {},
    mapping: {},
    remember: 'brief',
    url: '',
    changes: 0,
    drift: { drift: 0, conflicts: 0, astray: 0 },
    statuses: [],
    looked_at: null,
    trouble: null,
    exported_at: '2026-03-06T10:00:00Z',
    exported_by: 'Ann',
    run: null,
    ...change,
  };
}

const said = (one: Target) => stateOf(one).map(({ text }) => text);

describe('the words of an export', () => {
  it('count what would happen, and say plainly where nothing would', () => {
    expect(countsInWords({ ...NONE, create: 1, update: 3, conflict: 1, keep: 9 })).toBe(
      '1 create · 3 update · 1 conflict',
    );
    expect(countsInWords({ ...NONE, drift: 1, astray: 2 })).toBe(
      '1 changed over there · 2 not where we left them',
    );
    expect(countsInWords({ ...NONE, keep: 4 })).toBe('nothing to send, 4 unchanged');
    expect(countsInWords(NONE)).toBe('nothing to send');
  });

  it('say how a target stands, the most pressing first', () => {
    expect(said(target({ exported_at: null, changes: null }))).toEqual(['Never exported']);
    expect(said(target())).toEqual(['Up to date']);
    expect(said(target({ changes: null }))).toEqual(['Not compared since']);
    expect(said(target({ changes: 3, drift: { drift: 2, conflicts: 1, astray: 1 } }))).toEqual([
      '1 conflict to decide',
      '1 not where we left it',
      '2 changes over there',
      '3 changes here',
    ]);
    expect(said(target({ reconnect: true, changes: 3 }))).toEqual([
      'Needs you: the connection is no longer good',
    ]);
  });

  it('say until when an unknown outcome is looked for, and that nothing is made meanwhile', () => {
    const at = new Date(2026, 2, 6, 10, 42).toISOString();
    const reconciling = run({ state: 'reconciling', wait_until: at });
    expect(said(target({ run: reconciling }))).toEqual([
      '3 of 12 sent. Reconciling: no answer came to a call, so we look for it again at 10:42 and send nothing before we know.',
    ]);
    const waiting = run({ state: 'waiting', wait_until: at });
    expect(runInWords(waiting).text).toBe('3 of 12 sent. Waiting: it goes on at 10:42.');
    const outcomes = [{ outcome: 'throttled' } as Outcome];
    expect(runInWords({ ...waiting, outcomes }).text).toBe(
      '3 of 12 sent. Asked to wait: it goes on at 10:42.',
    );
    expect(isUnderWay(reconciling)).toBe(true);
  });

  it('tell an export that is over from one of which something is left', () => {
    const refused: Outcome = {
      step: 's',
      keys: ['k'],
      titles: ['Hire a lead'],
      op: 'update',
      outcome: 'refused',
      message: 'No such field.',
      retry_at: null,
      url: '',
    };
    expect(runInWords(run({ state: 'done', done: 12 })).text).toBe('All 12 sent');
    expect(runInWords(run({ state: 'done', done: 11, outcomes: [refused] })).text).toBe(
      '11 of 12 sent; 1 needs you',
    );
    expect(runInWords(run({ state: 'cancelled' })).text).toBe('Cancelled after 3 of 12');
    expect(runInWords(run({ stopping: true })).text).toBe('Ends before its next call');
    expect(isUnderWay(run({ state: 'planned' }))).toBe(true);
    expect(isUnderWay(run({ state: 'failed' }))).toBe(false);
    expect(isUnderWay(null)).toBe(false);
  });

  it('name what a call was about, the first of many', () => {
    const of = (...titles: string[]) => titlesInWords({ titles } as Outcome);
    expect(of('Hire a lead')).toBe('Hire a lead');
    expect(of('Hire a lead', '', 'Ask', 'Tell')).toBe('Hire a lead and 2 more');
    expect(of('')).toBe('');
  });

  it('count no time below a second, and none in parts of one', () => {
    expect(timeInWords(0.104)).toBe('less than a second');
    expect(timeInWords(1)).toBe('about 1 second');
    expect(timeInWords(89.4)).toBe('about 89 seconds');
    expect(timeInWords(180)).toBe('about 3 min');
  });

  it('count what waits for a person', () => {
    expect(needsOf(target({ drift: { drift: 2, conflicts: 1, astray: 1 } }))).toBe(4);
  });

  it('name the way back by where the object went', () => {
    expect(wayInWords('restore', 'moved').name).toBe('Move it back');
    expect(wayInWords('restore', 'archived').name).toBe('Take it out of the archive');
  });
});

describe('what two texts have not in common', () => {
  it('is one stretch of whole words', () => {
    expect(stretch('It grew by 9 percent.', 'It grew by 12 percent.')).toEqual({
      head: 'It grew by ',
      was: '9',
      is: '12',
      tail: ' percent.',
    });
  });

  it('overlaps nowhere where words repeat', () => {
    const { head, was, is, tail } = stretch('a a ', 'a a a ');
    expect(head + was + tail).toBe('a a ');
    expect(head + is + tail).toBe('a a a ');
  });

  it('is empty where they are equal, and all of them where nothing is shared', () => {
    expect(stretch('same', 'same')).toEqual({ head: 'same', was: '', is: '', tail: '' });
    expect(stretch('', 'new words')).toEqual({ head: '', was: '', is: 'new words', tail: '' });
  });
});
