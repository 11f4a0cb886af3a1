/**
 * Where names stand in a drawing: ties pull, names push each other away. The same graph makes the
 * same drawing, on every machine: nothing here is random, and the clock decides nothing.
 */

export interface Tie {
  from: string;
  to: string;
  weight: number;
}

export interface Point {
  x: number;
  y: number;
}

export type Positions = ReadonlyMap<string, Point>;

const TURNS = 260;
const NEAR = 96; // the length a tie wants to have
const WIDER = 1.55; // names are written beside their dots: room is needed sideways
const GOLDEN = Math.PI * (3 - Math.sqrt(5));

/**
 * Settles step by step, so that the caller may pause between steps. The last value is final.
 * The first names come to stand in the middle.
 */
export function* settling(names: readonly string[], ties: readonly Tie[]): Generator<Positions> {
  const place = new Map(names.map((name, at) => [name, at]));
  const x = new Float64Array(names.length);
  const y = new Float64Array(names.length);
  names.forEach((_, at) => {
    const far = NEAR * 0.7 * Math.sqrt(at);
    x[at] = far * Math.cos(at * GOLDEN);
    y[at] = far * Math.sin(at * GOLDEN);
  });
  const pulls = ties.flatMap(({ from, to, weight }) => {
    const one = place.get(from);
    const other = place.get(to);
    return one === undefined || other === undefined || one === other
      ? []
      : [{ one, other, force: 0.06 * (1 + Math.log(Math.max(1, weight))) }];
  });
  for (let turn = 0; turn < TURNS; turn += 1) {
    const heat = 14 * (1 - turn / TURNS) ** 1.5 + 0.05;
    const dx = new Float64Array(names.length);
    const dy = new Float64Array(names.length);
    for (let one = 0; one < names.length; one += 1) {
      for (let other = one + 1; other < names.length; other += 1) {
        const ax = (at(x, one) - at(x, other)) / WIDER;
        const ay = at(y, one) - at(y, other);
        const square = Math.max(ax * ax + ay * ay, 1);
        const push = (NEAR * NEAR * 0.55) / square;
        add(dx, one, ax * push);
        add(dy, one, ay * push);
        add(dx, other, -ax * push);
        add(dy, other, -ay * push);
      }
      add(dx, one, -at(x, one) * 0.035);
      add(dy, one, -at(y, one) * 0.05);
    }
    for (const { one, other, force } of pulls) {
      const ax = at(x, other) - at(x, one);
      const ay = at(y, other) - at(y, one);
      const long = Math.max(Math.hypot(ax, ay), 1);
      const pull = (force * (long - NEAR)) / long;
      add(dx, one, ax * pull);
      add(dy, one, ay * pull);
      add(dx, other, -ax * pull);
      add(dy, other, -ay * pull);
    }
    for (let one = 0; one < names.length; one += 1) {
      const long = Math.max(Math.hypot(at(dx, one), at(dy, one)), 1e-9);
      const step = Math.min(long, heat) / long;
      add(x, one, at(dx, one) * step);
      add(y, one, at(dy, one) * step);
    }
    yield positions(names, x, y);
  }
  if (names.length === 0) yield new Map();
}

/** All of it at once, for few names and for tests. */
export function settled(names: readonly string[], ties: readonly Tie[]): Positions {
  let last: Positions = new Map();
  for (const step of settling(names, ties)) last = step;
  return last;
}

export interface Box {
  width: number;
  height: number;
}

const ROUNDS = 80;
const CLEAR = 0.5;
const NOTHING: Box = { width: 0, height: 0 };

/**
 * The places moved into a frame and off each other: `sizes` is what each name takes around its
 * place. What was found keeps its order, not its shape. Where there is no room for all, the last
 * names are left out, so that none touches another.
 */
export function framed(
  found: Positions,
  frame: Box,
  margin: Point,
  sizes: ReadonlyMap<string, Box>,
): Positions {
  const kept = new Map(found);
  for (;;) {
    const places = parted(kept, frame, margin, sizes);
    const late = touching(places, sizes);
    if (late === null) return places;
    kept.delete(late);
  }
}

/** As `framed`, as far as there is room for all of them. */
function parted(
  found: Positions,
  frame: Box,
  margin: Point,
  sizes: ReadonlyMap<string, Box>,
): Positions {
  const names = [...found.keys()];
  const size = names.map((name) => sizes.get(name) ?? NOTHING);
  const most = {
    x: margin.x + Math.max(0, ...size.map(({ width }) => width)) / 2,
    y: margin.y + Math.max(0, ...size.map(({ height }) => height)) / 2,
  };
  const x = spread(
    [...found.values()].map((point) => point.x),
    frame.width,
    most.x,
  );
  const y = spread(
    [...found.values()].map((point) => point.y),
    frame.height,
    most.y,
  );
  for (let round = 0; round < ROUNDS; round += 1) {
    let moved = false;
    for (let one = 0; one < names.length; one += 1) {
      for (let other = one + 1; other < names.length; other += 1) {
        const ax = at(x, other) - at(x, one);
        const ay = at(y, other) - at(y, one);
        const { x: overX, y: overY } = overlap(ax, ay, size[one], size[other]);
        if (overX <= 0 || overY <= 0) continue;
        moved = true;
        // The shorter way out, shared by both, and a little more: sums of halves are not exact.
        if (overX < overY) {
          add(x, one, ((ax < 0 ? 1 : -1) * (overX + CLEAR)) / 2);
          add(x, other, ((ax < 0 ? -1 : 1) * (overX + CLEAR)) / 2);
        } else {
          add(y, one, ((ay < 0 ? 1 : -1) * (overY + CLEAR)) / 2);
          add(y, other, ((ay < 0 ? -1 : 1) * (overY + CLEAR)) / 2);
        }
      }
    }
    size.forEach(({ width, height }, one) => {
      const [asideX, asideY] = [margin.x + width / 2, margin.y + height / 2];
      x[one] = within(at(x, one), asideX, frame.width - asideX);
      y[one] = within(at(y, one), asideY, frame.height - asideY);
    });
    if (!moved) break;
  }
  return positions(names, x, y);
}

/** The later of the first two names that touch; null where none do. */
function touching(places: Positions, sizes: ReadonlyMap<string, Box>): string | null {
  const all = [...places];
  for (const [at, [name, here]] of all.entries()) {
    for (const [before, there] of all.slice(0, at)) {
      const over = overlap(here.x - there.x, here.y - there.y, sizes.get(before), sizes.get(name));
      if (over.x > 0 && over.y > 0) return name;
    }
  }
  return null;
}

/** By how much two boxes overlap whose middles are so far from each other; below 0, not at all. */
function overlap(ax: number, ay: number, one: Box = NOTHING, other: Box = NOTHING): Point {
  return {
    x: (one.width + other.width) / 2 - Math.abs(ax),
    y: (one.height + other.height) / 2 - Math.abs(ay),
  };
}

function spread(values: readonly number[], size: number, margin: number): Float64Array {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const scale = Math.min(Math.max(size - 2 * margin, 1) / Math.max(most - least, 1), 1.8);
  return Float64Array.from(values, (value) => size / 2 + (value - (least + most) / 2) * scale);
}

function within(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, Math.max(least, most)));
}

/** The name that lies next in a direction, by arrow key; null where there is none. */
export function nextTowards(from: string, key: string, all: Positions): string | null {
  const here = all.get(from);
  const way = WAYS[key];
  if (!here || !way) return null;
  let best: string | null = null;
  let least = Infinity;
  for (const [name, there] of all) {
    if (name === from) continue;
    const ahead = (there.x - here.x) * way.x + (there.y - here.y) * way.y;
    const aside = Math.abs((there.x - here.x) * way.y) + Math.abs((there.y - here.y) * way.x);
    const cost = ahead + 2 * aside;
    if (ahead > 1 && cost < least) [best, least] = [name, cost];
  }
  return best;
}

const WAYS: Readonly<Record<string, Point>> = {
  ArrowRight: { x: 1, y: 0 },
  ArrowLeft: { x: -1, y: 0 },
  ArrowDown: { x: 0, y: 1 },
  ArrowUp: { x: 0, y: -1 },
};

function at(values: Float64Array, index: number): number {
  return values[index] ?? 0;
}

function add(values: Float64Array, index: number, amount: number): void {
  values[index] = at(values, index) + amount;
}

function positions(names: readonly string[], x: Float64Array, y: Float64Array): Positions {
  return new Map(names.map((name, index) => [name, { x: at(x, index), y: at(y, index) }]));
}
