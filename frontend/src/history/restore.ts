import * as Y from 'yjs';

import { BLOCKS, FIELD } from '../editor';

type Node = Y.XmlElement | Y.XmlText | Y.XmlHook;

/**
 * Makes the document say what a version of it said, as one change: blocks are told apart by their
 * ids, and only what differs is touched, so that cursors, comments and undo of the rest stay.
 * Returns how many blocks it touched, the title among them.
 */
export function restoreVersion(doc: Y.Doc, version: Y.Doc, origin: unknown): number {
  let touched = 0;
  doc.transact(() => {
    if (restoreText(doc.getText('title'), version.getText('title'))) touched += 1;
    const wanted = version.getXmlFragment(FIELD).toArray() as Node[];
    touched += restoreBlocks(doc.getXmlFragment(FIELD), wanted);
  }, origin);
  return touched;
}

function isBlock(node: Node): boolean {
  return node instanceof Y.XmlElement && (BLOCKS as readonly string[]).includes(node.nodeName);
}

function holdsBlocks(nodes: readonly Node[]): boolean {
  return nodes.some(isBlock);
}

/** What a block is known by: its kind and id, and which of several with both. */
function keysOf(nodes: readonly Node[]): string[] {
  const seen = new Map<string, number>();
  return nodes.map((node) => {
    const name = node instanceof Y.XmlElement ? node.nodeName : '';
    const id = node instanceof Y.XmlElement ? (node.getAttribute('id') ?? '') : '';
    const key = `${name} ${id}`;
    const nth = seen.get(key) ?? 0;
    seen.set(key, nth + 1);
    return `${key} ${nth}`;
  });
}

/** Of what is in both, as much as possible that stands in the same order. */
function staying(old: readonly string[], wanted: readonly string[]): Set<string> {
  const places = new Map(old.map((key, place) => [key, place]));
  const ends: { key: string; place: number; before: (typeof ends)[number] | null }[] = [];
  for (const key of wanted) {
    const place = places.get(key);
    if (place === undefined) continue;
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle]?.place ?? Infinity) < place) low = middle + 1;
      else high = middle;
    }
    ends[low] = { key, place, before: ends[low - 1] ?? null };
  }
  const kept = new Set<string>();
  for (let at = ends.at(-1) ?? null; at; at = at.before) kept.add(at.key);
  return kept;
}

function restoreBlocks(parent: Y.XmlFragment, wanted: readonly Node[]): number {
  let touched = 0;
  const old = parent.toArray() as Node[];
  const oldKeys = keysOf(old);
  const wantedKeys = keysOf(wanted);
  const stays = staying(oldKeys, wantedKeys);
  for (let at = old.length - 1; at >= 0; at -= 1) {
    if (stays.has(oldKeys[at] ?? '')) continue;
    parent.delete(at, 1);
    touched += 1;
  }
  wanted.forEach((node, at) => {
    if (!stays.has(wantedKeys[at] ?? '')) {
      parent.insert(at, [copy(node)]);
      // What moved was counted where it was taken away.
      if (!oldKeys.includes(wantedKeys[at] ?? '')) touched += 1;
      return;
    }
    const now = parent.get(at) as Node;
    if (now instanceof Y.XmlElement && node instanceof Y.XmlElement)
      touched += restoreElement(now, node);
    else if (now instanceof Y.XmlText && node instanceof Y.XmlText)
      touched += restoreText(now, node) ? 1 : 0;
  });
  return touched;
}

function restoreElement(now: Y.XmlElement, wanted: Y.XmlElement): number {
  let changed = false;
  const before = attributesOf(now);
  const after = attributesOf(wanted);
  for (const name of Object.keys(before)) {
    if (name in after) continue;
    now.removeAttribute(name);
    changed = true;
  }
  for (const [name, value] of Object.entries(after)) {
    if (JSON.stringify(before[name]) === JSON.stringify(value)) continue;
    // Attributes hold numbers and booleans too, whatever their type says.
    now.setAttribute(name, value as string);
    changed = true;
  }
  const old = now.toArray() as Node[];
  const next = wanted.toArray() as Node[];
  if (holdsBlocks(old) || holdsBlocks(next)) return (changed ? 1 : 0) + restoreBlocks(now, next);
  if (restoreInline(now, old, next)) changed = true;
  return changed ? 1 : 0;
}

function attributesOf(element: Y.XmlElement): Record<string, unknown> {
  return element.getAttributes();
}

function says(node: Node | undefined): string {
  if (node instanceof Y.XmlText) return JSON.stringify(node.toDelta());
  if (!(node instanceof Y.XmlElement)) return '';
  const attributes = Object.entries(attributesOf(node)).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([node.nodeName, attributes, (node.toArray() as Node[]).map(says)]);
}

/** Words and atoms of a block: what both begin and end with stays as it is. */
function restoreInline(parent: Y.XmlElement, old: Node[], next: Node[]): boolean {
  let from = 0;
  let oldTo = old.length;
  let nextTo = next.length;
  let changes = 0;
  const alike = (a: Node | undefined, b: Node | undefined): boolean => {
    if (a instanceof Y.XmlText && b instanceof Y.XmlText) {
      if (restoreText(a, b)) changes += 1;
      return true;
    }
    return says(a) === says(b);
  };
  while (from < oldTo && from < nextTo && alike(old[from], next[from])) from += 1;
  while (from < oldTo && from < nextTo && alike(old[oldTo - 1], next[nextTo - 1])) {
    oldTo -= 1;
    nextTo -= 1;
  }
  if (oldTo > from) parent.delete(from, oldTo - from);
  if (nextTo > from) parent.insert(from, next.slice(from, nextTo).map(copy));
  return changes + oldTo + nextTo > 2 * from;
}

function copy(node: Node): Y.XmlElement | Y.XmlText {
  return node.clone() as Y.XmlElement | Y.XmlText;
}

interface Unit {
  text: string;
  look: string;
  attributes: Record<string, unknown>;
}

function unitsOf(text: Y.Text): Unit[] {
  const delta = text.toDelta() as { insert: unknown; attributes?: Record<string, unknown> }[];
  return delta.flatMap(({ insert, attributes = {} }) => {
    const look = JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
    // By whole characters: one of two units must not be cut in two.
    return Array.from(typeof insert === 'string' ? insert : '\ufffc', (character) => ({
      text: character,
      look,
      attributes,
    }));
  });
}

function isSame(a: Unit | undefined, b: Unit | undefined): boolean {
  return a?.text === b?.text && a?.look === b?.look;
}

function joined(units: readonly Unit[]): string {
  return units.map(({ text }) => text).join('');
}

/** Changes what differs between the beginning and the end that both have; false where nothing does. */
function restoreText(text: Y.Text, wanted: Y.Text): boolean {
  const old = unitsOf(text);
  const next = unitsOf(wanted);
  const least = Math.min(old.length, next.length);
  let head = 0;
  while (head < least && isSame(old[head], next[head])) head += 1;
  let tail = 0;
  while (tail < least - head && isSame(old.at(-1 - tail), next.at(-1 - tail))) tail += 1;
  const gone = old.slice(head, old.length - tail);
  const come = next.slice(head, next.length - tail);
  if (gone.length + come.length === 0) return false;
  let at = joined(old.slice(0, head)).length;
  const sameWords = joined(gone) === joined(come);
  if (!sameWords && gone.length > 0) text.delete(at, joined(gone).length);
  for (const run of runsOf(come)) {
    const { length } = run.text;
    if (sameWords) {
      const names = gone.flatMap(({ attributes }) => Object.keys(attributes));
      const off = Object.fromEntries(names.map((name) => [name, null]));
      text.format(at, length, { ...off, ...run.attributes });
    } else text.insert(at, run.text, { ...run.attributes });
    at += length;
  }
  return true;
}

function runsOf(units: readonly Unit[]): Unit[] {
  const runs: Unit[] = [];
  for (const unit of units) {
    const last = runs.at(-1);
    if (last?.look === unit.look) last.text += unit.text;
    else runs.push({ ...unit });
  }
  return runs;
}
