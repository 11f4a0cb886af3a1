import { describe, expect, it } from 'vitest';

import { type Box, framed, nextTowards, type Positions, settled, type Tie } from './layout';

function ring(size: number): { names: string[]; ties: Tie[] } {
  const names = Array.from({ length: size }, (_, at) => `n${at}`);
  return {
    names,
    ties: names.map((from, at) => ({ from, to: `n${(at + 1) % size}`, weight: 1 + (at % 3) })),
  };
}

function apart(places: Positions, sizes: ReadonlyMap<string, Box>): boolean {
  const all = [...places];
  return all.every(([name, here], at) =>
    all.slice(at + 1).every(([other, there]) => {
      const [one, two] = [sizes.get(name), sizes.get(other)];
      if (!one || !two) return false;
      const wide = (one.width + two.width) / 2 <= Math.abs(here.x - there.x);
      return wide || (one.height + two.height) / 2 <= Math.abs(here.y - there.y);
    }),
  );
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

  it('keeps names inside the frame and off each other', () => {
    const { names, ties } = ring(12);
    const size = { width: 70, height: 30 };
    const sizes = new Map(names.map((name) => [name, size]));
    const frame = { width: 480, height: 320 };
    const placed = framed(settled(names, ties), frame, { x: 5, y: 5 }, sizes);
    expect(placed.size).toBe(12);
    expect(apart(placed, sizes)).toBe(true);
    for (const { x, y } of placed.values()) {
      expect(x - 35).toBeGreaterThanOrEqual(5);
      expect(x + 35).toBeLessThanOrEqual(475);
      expect(y - 15).toBeGreaterThanOrEqual(5);
      expect(y + 15).toBeLessThanOrEqual(315);
    }
    expect(framed(new Map(), { width: 0, height: 0 }, { x: 5, y: 5 }, sizes).size).toBe(0);
  });

  it('leaves out the last names where there is no room, and none touches another', () => {
    const { names, ties } = ring(60);
    const sizes = new Map(
      names.map((name, at) => [name, { width: 40 + (at % 7) * 15, height: 28 + (at % 3) * 4 }]),
    );
    for (const frame of [
      { width: 300, height: 200 },
      { width: 700, height: 420 },
    ]) {
      const placed = framed(settled(names, ties), frame, { x: 4, y: 4 }, sizes);
      expect(apart(placed, sizes)).toBe(true);
      expect(placed.size).toBeGreaterThan(5);
      expect(placed.has('n0')).toBe(true);
    }
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
