import * as Y from 'yjs';

import { deleteItem } from './once';

/**
 * Where the shared document notes which letters were written anew: each change is one row of whole
 * numbers, its author and first clock, then for each run of letters `clock, length` of the new ones,
 * `client, clock` of the ones they stand for, and where they went.
 */
const ROOT = 'rewritten';

/** Notes that are kept, and the letters they may speak of. The oldest go first. */
export const MOST_NOTES = 300;
export const MOST_LETTERS = 20_000;

/** Where a letter went that was written anew; `SAME` as the one it stands for, as after an undo. */
export const HOME = 0;
export const BEFORE = 1;
export const AFTER = 2;
export const SAME = 3;

/** Letters or citations written anew: those of one author from a clock on, for those of another. */
export interface Run {
  clock: number;
  length: number;
  of: { client: number; clock: number };
  went: number;
}

/** What one change wrote anew, and the clock it began at. */
export interface Rewrite {
  client: number;
  start: number;
  runs: readonly Run[];
}

export function encodeRewrite({ client, start, runs }: Rewrite): number[] {
  const row = [client, start];
  for (const { clock, length, of, went } of runs)
    row.push(clock, length, of.client, of.clock, went);
  return row;
}

/** A note as it was read; null for what is none. */
export function decodeRewrite(row: unknown): Rewrite | null {
  if (!Array.isArray(row) || row.length < 7 || (row.length - 2) % 5 !== 0) return null;
  if (!row.every((one) => Number.isSafeInteger(one) && Number(one) >= 0)) return null;
  const [client = 0, start = 0, ...rest] = row as number[];
  const runs: Run[] = [];
  for (let n = 0; n < rest.length; n += 5) {
    const [clock = 0, length = 0, by = 0, at = 0, went = 0] = rest.slice(n, n + 5);
    if (length < 1 || length > MOST_LETTERS || went > SAME) return null;
    runs.push({ clock, length, of: { client: by, clock: at }, went });
  }
  return { client, start, runs };
}

function lettersOf({ runs }: Rewrite): number {
  return runs.reduce((sum, { length }) => sum + length, 0);
}

/** One letter that was written anew. */
export interface Copy {
  client: number;
  clock: number;
  /** The clock at which the change began that wrote it. */
  start: number;
  went: number;
  /** The letter it was written for, as `idOf` says it. */
  of: string;
}

export function idOf({ client, clock }: { client: number; clock: number }): string {
  return `${client}.${clock}`;
}

/** Whether any letter was written anew twice. Where none was, none can stand twice. */
function isForked(rewrites: readonly Rewrite[]): boolean {
  const runs = rewrites
    .flatMap((rewrite) => rewrite.runs)
    .sort((a, b) => a.of.client - b.of.client || a.of.clock - b.of.clock);
  return runs.some(({ of }, n) => {
    const before = runs[n - 1];
    return before?.of.client === of.client && before.of.clock + before.length > of.clock;
  });
}

/** Letters that are the same one, written anew several times; only those. */
export function copiesIn(rewrites: readonly Rewrite[]): Copy[][] {
  if (!isForked(rewrites)) return [];
  const written = new Map<string, Copy>();
  for (const { client, start, runs } of rewrites)
    for (const { clock, length, of, went } of runs)
      for (let n = 0; n < length; n += 1)
        written.set(`${client}.${clock + n}`, {
          client,
          clock: clock + n,
          start,
          went,
          of: idOf({ client: of.client, clock: of.clock + n }),
        });
  // Each note makes a chain longer by one; who forges them could make a ring.
  const first = (letter: Copy): string => {
    let at = letter.of;
    for (let steps = 0; steps < rewrites.length; steps += 1) {
      const before = written.get(at);
      if (!before) break;
      at = before.of;
    }
    return at;
  };
  const wentOf = (letter: Copy): number => {
    let at: Copy | undefined = letter;
    for (let steps = 0; at?.went === SAME && steps < rewrites.length; steps += 1)
      at = written.get(at.of);
    return at && at.went !== SAME ? at.went : HOME;
  };
  const groups = new Map<string, Copy[]>();
  for (const letter of written.values()) {
    const root = first(letter);
    const group = groups.get(root);
    if (group) group.push({ ...letter, went: wentOf(letter) });
    else groups.set(root, [{ ...letter, went: wentOf(letter) }]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

/**
 * Which of the copies of a letter stays, by where each of them stands in the document.
 *
 * A split or a citation takes along all that follows it: of such copies the last is the one that
 * belongs to the nearest break before the letter, so that all letters keep their order. Where the
 * words before went, as with a join, it is the first. A copy that an undo put back where the letter
 * was goes before any other. Two places keep their order for good, so what stays for one page stays
 * for all, however much of the others' changes each of them knows.
 */
export function staying<T extends { went: number; place: number }>(
  copies: readonly T[],
): T | undefined {
  return copies.reduce<T | undefined>((best, one) => {
    if (!best) return one;
    if (one.went !== best.went) return one.went > best.went ? one : best;
    return one.place > best.place === (one.went === AFTER) ? one : best;
  }, undefined);
}

/** Notes what a change wrote anew, and forgets what is long ago. To be called within that change. */
export function noteRewrite(doc: Y.Doc, rewrite: Rewrite): void {
  const count = lettersOf(rewrite);
  if (count === 0 || count > MOST_LETTERS) return;
  const notes = doc.getArray<unknown>(ROOT);
  notes.push([encodeRewrite(rewrite)]);
  let letters = 0;
  let kept = 0;
  for (const row of notes.toArray().reverse()) {
    const read = decodeRewrite(row);
    letters += read ? lettersOf(read) : 0;
    if (kept >= MOST_NOTES || letters > MOST_LETTERS) break;
    kept += 1;
  }
  if (kept < notes.length) notes.delete(0, notes.length - kept);
}

/** What has children in the shared document. */
export interface Holder {
  readonly _start: Y.Item | null;
}

export function* childrenOf(type: Holder): Generator<Y.Item> {
  for (let item = type._start; item; item = item.right) yield item;
}

/** Where every letter that is left stands: its item, and a number that grows along the document. */
function placesIn(body: Y.XmlFragment): Map<Y.Item, number> {
  const places = new Map<Y.Item, number>();
  let place = 0;
  const walk = (type: Holder) => {
    for (const item of childrenOf(type)) {
      if (item.deleted || !item.countable) continue;
      places.set(item, place);
      place += item.length;
      if (item.content instanceof Y.ContentType) walk(item.content.type);
    }
  };
  walk(body);
  return places;
}

/** The item that holds a letter; null where the letter is gone. */
export function standsAt(doc: Y.Doc, client: number, clock: number): Y.Item | null {
  if (clock >= Y.getState(doc.store, client)) return null;
  const item: unknown = Y.getItem(doc.store, Y.createID(client, clock));
  return item instanceof Y.Item && !item.deleted && item.countable ? item : null;
}

export function notesOf(doc: Y.Doc): Rewrite[] {
  const rows = doc.getArray<unknown>(ROOT).toArray();
  return rows.flatMap((row) => decodeRewrite(row) ?? []);
}

/** The letters that stand more than once, less one of each. */
function doubledIn(doc: Y.Doc, body: Y.XmlFragment): Copy[] {
  let places: Map<Y.Item, number> | null = null;
  const doubled: Copy[] = [];
  for (const group of copiesIn(notesOf(doc))) {
    const left = group.flatMap((copy) => {
      const item = standsAt(doc, copy.client, copy.clock);
      return item ? [{ copy, item }] : [];
    });
    if (left.length < 2) continue;
    places ??= placesIn(body);
    const standing = left.flatMap(({ copy, item }) => {
      const place = places?.get(item);
      return place === undefined ? [] : [{ ...copy, place: place + copy.clock - item.id.clock }];
    });
    const stays = staying(standing);
    doubled.push(...standing.filter((one) => one !== stays));
  }
  return doubled.sort((a, b) => a.client - b.client || a.clock - b.clock);
}

function isEmpty(element: Y.XmlFragment): boolean {
  return element.toArray().every((child) => child instanceof Y.XmlText && child.length === 0);
}

/** Takes away a block that its own author's change made and that holds nothing any more. */
function prune(transaction: Y.Transaction, element: unknown, copy: Copy): void {
  const { client, start, clock } = copy;
  if (!(element instanceof Y.XmlElement) || !isEmpty(element)) return;
  const { _item: item, parent } = element;
  const isOwn = item?.id.client === client && item.id.clock >= start && item.id.clock < clock;
  if (!item || item.deleted || !isOwn || /^table(Cell|Header)$/.test(element.nodeName)) return;
  deleteItem(transaction, item);
  prune(transaction, parent, copy);
}

/**
 * Where changes made at the same moment each wrote the same letters anew, leaves them once, and takes
 * away the blocks that nothing is left in. Letters that were typed into a copy stay. Every page takes
 * the same away. Returns how many letters went.
 */
export function settleRewrites(doc: Y.Doc, body: Y.XmlFragment): number {
  const doubled = doubledIn(doc, body);
  if (doubled.length === 0) return 0;
  doc.transact((transaction) => {
    const emptied: { element: unknown; copy: Copy }[] = [];
    for (const copy of doubled) {
      const item = Y.getItemCleanStart(transaction, Y.createID(copy.client, copy.clock));
      if (item.deleted) continue;
      const letter =
        item.length > 1
          ? Y.getItemCleanEnd(transaction, doc.store, Y.createID(copy.client, copy.clock))
          : item;
      const { parent } = letter;
      deleteItem(transaction, letter);
      emptied.push({ element: parent instanceof Y.XmlText ? parent.parent : parent, copy });
    }
    for (const { element, copy } of emptied) prune(transaction, element, copy);
  });
  return doubled.length;
}

/** Calls with what others told that they wrote anew. */
export function observeRewrites(doc: Y.Doc, call: (heard: readonly Rewrite[]) => void): () => void {
  const notes = doc.getArray<unknown>(ROOT);
  const onNotes = ({ changes }: Y.YArrayEvent<unknown>, { local }: Y.Transaction) => {
    if (local) return;
    const rows = changes.delta.flatMap(({ insert }): unknown[] =>
      Array.isArray(insert) ? insert : [],
    );
    call(rows.flatMap((row) => decodeRewrite(row) ?? []));
  };
  notes.observe(onNotes);
  return () => notes.unobserve(onNotes);
}
