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

/**
 * The places moved into a frame and off each other, as far as there is room: `sizes` is what each
 * name takes around its place. What was found keeps its order, not its shape.
 */
export function framed(
  found: Positions,
  frame: Box,
  margin: Point,
  sizes: ReadonlyMap<string, Box>,
): Positions {
  const names = [...found.keys()];
  const x = spread(
    [...found.values()].map((point) => point.x),
    frame.width,
    margin.x,
  );
  const y = spread(
    [...found.values()].map((point) => point.y),
    frame.height,
    margin.y,
  );
  const size = names.map((name) => sizes.get(name) ?? { width: 0, height: 0 });
  for (let round = 0; round < ROUNDS; round += 1) {
    let moved = false;
    for (let one = 0; one < names.length; one += 1) {
      for (let other = one + 1; other < names.length; other += 1) {
        const wide = ((size[one]?.width ?? 0) + (size[other]?.width ?? 0)) / 2;
        const high = ((size[one]?.height ?? 0) + (size[other]?.height ?? 0)) / 2;
        const ax = at(x, other) - at(x, one);
        const ay = at(y, other) - at(y, one);
        const overX = wide - Math.abs(ax);
        const overY = high - Math.abs(ay);
        if (overX <= 0 || overY <= 0) continue;
        moved = true;
        // The shorter way out, shared by both.
        if (overX < overY) {
          add(x, one, ((ax < 0 ? 1 : -1) * overX) / 2);
          add(x, other, ((ax < 0 ? -1 : 1) * overX) / 2);
        } else {
          add(y, one, ((ay < 0 ? 1 : -1) * overY) / 2);
          add(y, other, ((ay < 0 ? -1 : 1) * overY) / 2);
        }
      }
    }
    for (let one = 0; one < names.length; one += 1) {
      x[one] = within(at(x, one), margin.x, frame.width - margin.x);
      y[one] = within(at(y, one), margin.y, frame.height - margin.y);
    }
    if (!moved) break;
  }
  return positions(names, x, y);
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
