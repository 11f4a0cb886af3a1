import type { Node } from '@tiptap/pm/model';

import { idOf } from './model';

const LISTS: ReadonlySet<string> = new Set(['bulletList', 'orderedList']);
const CELLS: ReadonlySet<string> = new Set(['tableCell', 'tableHeader']);

function spans(table: Node): string {
  const all: unknown[] = [];
  table.descendants((node) => {
    if (CELLS.has(node.type.name)) all.push(idOf(node), node.attrs.colspan, node.attrs.rowspan);
    return !CELLS.has(node.type.name);
  });
  return JSON.stringify(all);
}

function merges(table: Node): boolean {
  let merged = false;
  table.descendants((node) => {
    if (Number(node.attrs.colspan ?? 1) > 1 || Number(node.attrs.rowspan ?? 1) > 1) merged = true;
    return !merged;
  });
  return merged;
}

/** Whether one block can stand for both and be marked as changed, instead of both standing there. */
function comparable(a: Node, b: Node): boolean {
  if (a.isTextblock && b.isTextblock)
    // Text of a code block can carry no other marks and no citations.
    return a.type === b.type || (!a.type.spec.code && !b.type.spec.code);
  if (a.isTextblock || b.isTextblock) return false;
  if (a.isLeaf || b.isLeaf) return a.type === b.type;
  if (a.type.name === 'table' && b.type === a.type)
    // Merged cells fit only the table they were merged in.
    return !(merges(a) || merges(b)) || spans(a) === spans(b);
  return (
    a.type === b.type ||
    [LISTS, CELLS].some((kind) => kind.has(a.type.name) && kind.has(b.type.name))
  );
}

/** Pairs of blocks that are the same one before and after, in an order that both sides have. */
export function aligned(a: readonly Node[], b: readonly Node[]): [number, number][] {
  const where = new Map<string, number>();
  b.forEach((node, index) => {
    const id = idOf(node);
    if (id !== null) where.set(id, index);
  });
  const pairs = a.flatMap((node, index): [number, number][] => {
    const id = idOf(node);
    const other = id === null ? undefined : where.get(id);
    const match = other === undefined ? undefined : b[other];
    return other !== undefined && match && comparable(node, match) ? [[index, other]] : [];
  });
  // The longest run that rises on both sides.
  const ends: number[] = [];
  const links: number[] = pairs.map(() => -1);
  pairs.forEach(([, to], n) => {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[ends[middle] ?? 0]?.[1] ?? 0) < to) low = middle + 1;
      else high = middle;
    }
    links[n] = low > 0 ? (ends[low - 1] ?? -1) : -1;
    ends[low] = n;
  });
  const chosen: [number, number][] = [];
  for (let n = ends.at(-1) ?? -1; n >= 0; n = links[n] ?? -1) {
    const pair = pairs[n];
    if (pair) chosen.unshift(pair);
  }
  return chosen;
}
