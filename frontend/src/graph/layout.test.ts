import { describe, expect, it } from 'vitest';

import { framed, nextTowards, settled, type Tie } from './layout';

function ring(size: number): { names: string[]; ties: Tie[] } {
  const names = Array.from({ length: size }, (_, at) => `n${at}`);
  return {
    names,
    ties: names.map((from, at) => ({ from, to: `n${(at + 1) % size}`, weight: 1 + (at % 3) })),
  };
}

describe('a drawing', () => {
  it('is the same each time it is made', () => {
    const { names, ties } = ring(24);
    expect([...settled(names, ties)]).toEqual([...settled(names, ties)]);
  });

  it('has room for every name, tied or not, and no place that is none', () => {
    const { names, ties } = ring(100);
    const places = [...settled([...names, 'alone'], ties).values()];
    expect(places).toHaveLength(101);
    for (const [at, one] of places.entries()) {
      expect(Number.isFinite(one.x) && Number.isFinite(one.y)).toBe(true);
      for (const other of places.slice(at + 1)) {
        expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThan(8);
      }
    }
  });

  it('draws what is tied nearer than what is not', () => {
    const places = settled(['a', 'b', 'c', 'd'], [{ from: 'a', to: 'b', weight: 5 }]);
    const far = (one: string, other: string) => {
      const [p, q] = [places.get(one), places.get(other)];
      return p && q ? Math.hypot(p.x - q.x, p.y - q.y) : 0;
    };
    expect(far('a', 'b')).toBeLessThan(far('c', 'd'));
  });

  it('passes over ties to names it does not have, and draws nothing of nothing', () => {
    expect(settled(['a'], [{ from: 'a', to: 'gone', weight: 1 }]).size).toBe(1);
    expect(settled([], []).size).toBe(0);
  });

  it('keeps names inside the frame and off each other where there is room', () => {
    const { names, ties } = ring(12);
    const size = { width: 70, height: 30 };
    const sizes = new Map(names.map((name) => [name, size]));
    const frame = { width: 480, height: 320 };
    const places = [...framed(settled(names, ties), frame, { x: 40, y: 20 }, sizes).values()];
    for (const [at, one] of places.entries()) {
      expect(one.x).toBeGreaterThanOrEqual(40);
      expect(one.x).toBeLessThanOrEqual(440);
      expect(one.y).toBeGreaterThanOrEqual(20);
      expect(one.y).toBeLessThanOrEqual(300);
      for (const other of places.slice(at + 1)) {
        const apart = Math.abs(one.x - other.x) > 69 || Math.abs(one.y - other.y) > 29;
        expect(apart).toBe(true);
      }
    }
    expect(framed(new Map(), { width: 0, height: 0 }, { x: 40, y: 20 }, sizes).size).toBe(0);
  });

  it('is walked by arrow keys to the nearest name ahead', () => {
    const places = new Map([
      ['middle', { x: 0, y: 0 }],
      ['right', { x: 10, y: 1 }],
      ['far', { x: 30, y: 0 }],
      ['above', { x: 1, y: -10 }],
    ]);
    expect(nextTowards('middle', 'ArrowRight', places)).toBe('right');
    expect(nextTowards('middle', 'ArrowUp', places)).toBe('above');
    expect(nextTowards('middle', 'ArrowLeft', places)).toBeNull();
    expect(nextTowards('middle', 'Enter', places)).toBeNull();
  });
});
