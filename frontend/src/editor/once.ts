import * as Y from 'yjs';

/** Where the shared document keeps which words a decision wrote: place to decision. */
const ROOT = 'decided';
const PLACE = /^(\d+)\.(\d+)\.(\d+)$/;

/** What was decided: a suggestion, and the block whose words are written anew for it, if one is. */
export interface Decision {
  suggestion: string;
  block: string | null;
}

function keyOf({ suggestion, block }: Decision): string {
  return `${suggestion}.${block ?? ''}`;
}

interface Written {
  client: number;
  clock: number;
  length: number;
}

/**
 * Writes words for a decision that others may make at the same moment, by writing the same words.
 * All of it is one change, and `settleTwice` leaves them once where they meet.
 */
export function writeOnce(
  doc: Y.Doc,
  decision: Decision,
  origin: unknown,
  write: () => void,
): void {
  doc.transact(() => {
    const clock = Y.getState(doc.store, doc.clientID);
    write();
    const length = Y.getState(doc.store, doc.clientID) - clock;
    if (length > 0)
      doc.getMap<string>(ROOT).set(`${doc.clientID}.${clock}.${length}`, keyOf(decision));
  }, origin);
}

/** What was written, by decision. */
function allWritten(doc: Y.Doc): Map<string, Written[]> {
  const found = new Map<string, Written[]>();
  doc.getMap(ROOT).forEach((decision, place) => {
    const [, client, clock, length] = PLACE.exec(place) ?? [];
    if (length === undefined || typeof decision !== 'string') return;
    const written = { client: Number(client), clock: Number(clock), length: Number(length) };
    found.set(decision, [...(found.get(decision) ?? []), written]);
  });
  return found;
}

/** The letters and citations that are left of what was written. */
function wordsOf(transaction: Y.Transaction, { client, clock, length }: Written): Y.Item[] {
  const items: Y.Item[] = [];
  const { store } = transaction.doc;
  const known = Y.getState(store, client);
  const end = Math.min(clock + length, known);
  // What was written on after it is no part of it.
  if (clock < end && end < known) Y.getItemCleanStart(transaction, Y.createID(client, end));
  for (let at = clock; at < end;) {
    const item: unknown = Y.getItemCleanStart(transaction, Y.createID(client, at));
    if (!(item instanceof Y.Item || item instanceof Y.GC)) break;
    at = item.id.clock + item.length;
    if (item instanceof Y.GC || item.deleted || !item.countable || item.parentSub !== null)
      continue;
    // What others wrote into a text of its own stays.
    if (!(item.content instanceof Y.ContentType && item.content.type instanceof Y.XmlText))
      items.push(item);
  }
  return items;
}

function hasWords(type: Y.XmlFragment): boolean {
  return type.toArray().some((child) => !(child instanceof Y.XmlText) || child.length > 0);
}

/**
 * Deletes an item by itself. To count to its place would be wrong while others' changes are told:
 * Yjs forgets the places it knows of a text only when that one's turn comes.
 */
export function deleteItem(transaction: Y.Transaction, item: Y.Item): void {
  const { parent } = item;
  item.delete(transaction);
  if (parent instanceof Y.AbstractType && parent._searchMarker) parent._searchMarker.length = 0;
}

/** Removes what was written; a block that others have written into stays with their words. */
function remove(transaction: Y.Transaction, item: Y.Item): void {
  const { content } = item;
  if (item.deleted) return;
  if (content instanceof Y.ContentType && content.type instanceof Y.XmlElement)
    if (hasWords(content.type)) return;
  deleteItem(transaction, item);
}

/** The decisions on uniting blocks that are still to be made, or again. */
function undecided(parent: Y.XmlFragment, into = new Set<string>()): Set<string> {
  for (const child of parent.toArray()) {
    if (!(child instanceof Y.XmlElement)) continue;
    const stamp: unknown = child.getAttribute('joined') ?? child.getAttribute('split');
    if (typeof stamp === 'string') {
      const [, suggestion] = /"id":"(\w+)"/.exec(stamp) ?? [];
      into.add(keyOf({ suggestion: suggestion ?? '', block: child.getAttribute('id') ?? null }));
    }
    undecided(child, into);
  }
  return into;
}

/**
 * Where several people made one decision, whose words then stand there several times, leaves those
 * of one of them; and none where the block they were taken from is there again, because somebody
 * made it anew meanwhile or by an undo. Every client removes the same ones. Returns how many.
 */
export function settleTwice(doc: Y.Doc, body: Y.XmlFragment): number {
  const all = allWritten(doc);
  if (all.size === 0) return 0;
  const again = undecided(body);
  let removed = 0;
  doc.transact((transaction) => {
    for (const [decision, written] of all) {
      const isBack = again.has(decision);
      if (written.length === 1 && !isBack) continue;
      written.sort((a, b) => a.client - b.client || a.clock - b.clock);
      const left = written
        .map((one) => wordsOf(transaction, one))
        .filter((items) => items.length > 0);
      for (const items of isBack ? left : left.slice(1)) {
        // What is inside was written after what it is in.
        for (const item of items.reverse()) remove(transaction, item);
        removed += 1;
      }
    }
  });
  return removed;
}

/** Calls when something was decided, or a block put in, which may be there twice. */
export function observeTwice(doc: Y.Doc, body: Y.XmlFragment, call: () => void): () => void {
  const decided = doc.getMap(ROOT);
  const onDecided = (_: unknown, { local }: Y.Transaction) => {
    if (!local) call();
  };
  const onChange = (events: readonly Y.YEvent<Y.XmlFragment>[]) => {
    const isNew = (event: Y.YEvent<Y.XmlFragment>) =>
      !(event.target instanceof Y.XmlText) && event.changes.added.size > 0;
    if (decided.size > 0 && events.some(isNew)) call();
  };
  decided.observe(onDecided);
  body.observeDeep(onChange as Parameters<typeof body.observeDeep>[0]);
  return () => {
    decided.unobserve(onDecided);
    body.unobserveDeep(onChange as Parameters<typeof body.observeDeep>[0]);
  };
}
