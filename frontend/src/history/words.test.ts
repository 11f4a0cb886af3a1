import { describe, expect, it } from 'vitest';

import type { BriefDifference, BriefVersion } from '../api';
import { byDay, changeOf, dayOf, editorsOf, plainText, titleOf } from './words';

function version(number: number, change: Partial<BriefVersion> = {}): BriefVersion {
  return {
    number,
    at: new Date(2026, 2, 10, 10, number).toISOString(),
    kind: 'auto',
    name: null,
    restored: null,
    editors: [{ subject: 'ann', name: 'Ann' }],
    summary: '1 paragraph changed',
    bytes: 100,
    ...change,
  };
}

const NOW = new Date(2026, 2, 10, 12);

describe('the words of a history', () => {
  it('name the day as people do', () => {
    const day = (...at: [number, number, number, number]) =>
      dayOf(new Date(...at).toISOString(), NOW);
    expect(day(2026, 2, 10, 0)).toBe('Today');
    expect(day(2026, 2, 9, 23)).toBe('Yesterday');
    expect(day(2026, 2, 8, 23)).toContain('8');
    expect(day(2026, 2, 8, 23)).not.toContain('2026');
    expect(day(2025, 2, 8, 23)).toContain('2025');
  });

  it('keep the order of versions within their days', () => {
    const old = version(1, { at: new Date(2026, 2, 9, 9).toISOString() });
    const days = byDay([version(3), version(2), old], NOW);
    expect(days.map(({ day, versions }) => [day, versions.map(({ number }) => number)])).toEqual([
      ['Today', [3, 2]],
      ['Yesterday', [1]],
    ]);
  });

  it('call a version by its name, by what it restored, or by its time', () => {
    const named = version(2, { name: 'Sent', kind: 'named' });
    const all = [
      version(6, { restored: 9, kind: 'restore' }),
      version(5, { restored: 2, kind: 'restore' }),
      version(4, { restored: 1, kind: 'restore' }),
      named,
      version(1),
    ];
    const [gone, ofNamed, ofTime] = all;
    if (!gone || !ofNamed || !ofTime) throw new Error('three versions');
    expect(titleOf(gone, all)).toBe('Restored version 9');
    expect(titleOf(ofNamed, all)).toBe('Restored “Sent”');
    expect(titleOf(ofTime, all)).toBe('Restored version of 10:01');
    expect(titleOf(named, all)).toBe('Sent');
    expect(titleOf(version(7), all)).toBe('10:07');
  });

  it('tell each person once, and who says no name by their sign-in', () => {
    const editors = [
      { subject: 'ann', name: 'Ann' },
      { subject: 'ann2', name: 'Ann' },
      { subject: 'bo', name: '' },
    ];
    expect(editorsOf(version(1, { editors }))).toBe('Ann, bo');
  });

  it('say that something changed where the server has no words for it', () => {
    expect(changeOf(version(1, { summary: '' }))).toBe('The brief as it began');
    expect(changeOf(version(2, { summary: '' }))).toBe('Small changes');
  });

  it('are copied without what went', () => {
    const run = (how: 'same' | 'deleted' | 'inserted', text: string) => ({
      how,
      text,
      marks: [],
      cite: null,
    });
    const row = {
      block: 'b',
      type: 'paragraph',
      within: [],
      attrs: {},
      moved: false,
      label: '',
      attributes: [],
    };
    const difference: BriefDifference = {
      before: 1,
      after: 2,
      summary: '',
      title: [run('deleted', 'Old'), run('inserted', 'New')],
      rows: [
        { ...row, change: 'removed', runs: [run('deleted', 'Gone.')] },
        {
          ...row,
          change: 'changed',
          runs: [run('same', 'It '), run('deleted', 'fell'), run('inserted', 'grew')],
        },
      ],
    };
    expect(plainText(difference)).toBe('New\n\nIt grew');
  });
});
