import * as Y from 'yjs';

import { AFTER, BEFORE, childrenOf, type Holder, type Run } from './rewrites';

/**
 * Gives each citation an element of its own that the change being made, begun at `start`, put into
 * the element of another: whoever removes that one meanwhile would remove both. Tells what replaces what.
 */
export function renewCitations(
  transaction: Y.Transaction,
  start: number,
  replaced: (old: Y.XmlElement, by: Y.XmlElement) => void,
): void {
  const own = transaction.doc.clientID;
  for (const [type, keys] of [...transaction.changed]) {
    if (!(type instanceof Y.XmlElement) || !keys.has('cite')) continue;
    const { _item: item, parent } = type as Y.XmlElement;
    if (!item || item.deleted || !(parent instanceof Y.XmlFragment)) continue;
    if (item.id.client === own && item.id.clock >= start) continue;
    const index = parent.toArray().indexOf(type);
    const by: Y.XmlElement = (type as Y.XmlElement).clone();
    parent.delete(index, 1);
    parent.insert(index, [by]);
    replaced(type as Y.XmlElement, by);
  }
}

/** A letter range of a document before or after a change. */
interface Piece {
  client: number;
  clock: number;
  text: string;
  /** Its position in the editor. */
  at: number;
  /** Grows along the document, with what is gone in its place. */
  order: number;
}

/** Both sides of a change of the shared document, as the editor counts positions. */
export interface Change {
  gone: readonly Piece[];
  fresh: readonly Piece[];
  sizeBefore: number;
  sizeAfter: number;
}

/** Reads what the change that is being made took away and put in; from `start` on it is new. */
export function changeOf(
  transaction: Y.Transaction,
  body: Y.XmlFragment,
  start: number,
  isLeaf: (name: string) => boolean,
): Change {
  const own = transaction.doc.clientID;
  const gone: Piece[] = [];
  const fresh: Piece[] = [];
  let [before, after, order] = [0, 0, 0];
  const ranges = new Map<number, { clock: number; end: number }[]>();
  transaction.deleteSet.clients.forEach((items, client) =>
    ranges.set(
      client,
      items
        .map(({ clock, len }) => ({ clock, end: clock + len }))
        .sort((a, b) => a.clock - b.clock),
    ),
  );
  const isGone = ({ id }: Y.Item) => {
    const sorted = ranges.get(id.client) ?? [];
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle]?.end ?? 0) > id.clock) high = middle;
      else low = middle + 1;
    }
    return (sorted[low]?.clock ?? Infinity) <= id.clock;
  };
  const put = (item: Y.Item, text: string, was: boolean, is: boolean) => {
    const piece = { client: item.id.client, clock: item.id.clock, text, order };
    if (was && !is) gone.push({ ...piece, at: before });
    if (is && !was) fresh.push({ ...piece, at: after });
    order += 1;
    if (was) before += text.length;
    if (is) after += text.length;
  };
  const walk = (type: Holder, inBefore: boolean, inAfter: boolean) => {
    for (const item of childrenOf(type)) {
      if (!item.countable) continue;
      const isNew = item.id.client === own && item.id.clock >= start;
      const was = inBefore && !isNew && (!item.deleted || isGone(item));
      const is = inAfter && !item.deleted;
      if (!was && !is) continue;
      const { content } = item;
      if (content instanceof Y.ContentString) put(item, content.str, was, is);
      else if (!(content instanceof Y.ContentType)) continue;
      else if (!(content.type instanceof Y.XmlElement)) walk(content.type, was, is);
      else if (isLeaf(content.type.nodeName)) put(item, '\ufffc', was, is);
      else {
        if (was) before += 1;
        if (is) after += 1;
        walk(content.type, was, is);
        if (was) before += 1;
        if (is) after += 1;
      }
    }
  };
  walk(body, true, true);
  return { gone, fresh, sizeBefore: before, sizeAfter: after };
}

/**
 * Which letters a change wrote anew: those the editor kept, says `follow` from position to position,
 * while the shared document deleted them and put others in. Null where the two do not agree.
 */
export function runsOf(
  { gone, fresh }: Change,
  follow: (at: number) => number | null,
): Run[] | null {
  const runs: Run[] = [];
  for (const piece of gone)
    for (let n = 0; n < piece.text.length; n += 1) {
      const at = follow(piece.at + n);
      const into = at === null ? null : pieceAt(fresh, at);
      if (at === null || !into) continue;
      if (into.text[at - into.at] !== piece.text[n]) return null;
      const clock = into.clock + at - into.at;
      const of = { client: piece.client, clock: piece.clock + n };
      const went = into.order > piece.order ? AFTER : BEFORE;
      const last = runs.at(-1);
      if (
        last?.went === went &&
        last.clock + last.length === clock &&
        last.of.client === of.client &&
        last.of.clock + last.length === of.clock
      )
        last.length += 1;
      else runs.push({ clock, length: 1, of, went });
    }
  return runs;
}

function pieceAt(pieces: readonly Piece[], at: number): Piece | null {
  let [low, high] = [0, pieces.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const piece = pieces[middle];
    if (piece && piece.at + piece.text.length > at) high = middle;
    else low = middle + 1;
  }
  const found = pieces[low];
  return found && found.at <= at ? found : null;
}
