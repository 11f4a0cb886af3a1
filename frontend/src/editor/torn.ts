import * as Y from 'yjs';

import {
  AFTER,
  type Copy,
  copiesIn,
  idOf,
  notesOf,
  type Rewrite,
  type Run,
  standsAt,
} from './rewrites';

/** A break or a citation made here, and the first letter that it was put before. */
export interface Torn {
  letter: string;
  /** The block that begins with the letter, or the citation before it. */
  element: Y.XmlElement;
  kind: 'break' | 'citation';
  /** How often it was mended before. */
  times: number;
}

/** More than this often nobody puts a break in its place again. */
export const MOST_TIMES = 3;

function before(item: Y.Item): Y.Item | null {
  let left = item.left;
  while (left && (left.deleted || !left.countable || isEmptyText(left))) left = left.left;
  return left;
}

function isEmptyText({ content }: Y.Item): boolean {
  return (
    content instanceof Y.ContentType &&
    content.type instanceof Y.XmlText &&
    content.type.length === 0
  );
}

function elementOf(item: Y.Item | null | undefined): Y.XmlElement | null {
  const content = item?.content;
  return content instanceof Y.ContentType && content.type instanceof Y.XmlElement
    ? content.type
    : null;
}

/** What a change made here, begun at `start`, put before the letters it wrote anew. */
export function tornBy(doc: Y.Doc, start: number, runs: readonly Run[], times: number): Torn[] {
  const own = doc.clientID;
  const isNew = (item: Y.Item | null | undefined) =>
    item?.id.client === own && item.id.clock >= start;
  const moved = new Set(runs.map(({ clock }) => clock));
  return runs.flatMap(({ clock, went }): Torn[] => {
    const id = { client: own, clock };
    const item = standsAt(doc, own, clock);
    if (went !== AFTER || item?.id.clock !== clock) return [];
    const inText = item.parent instanceof Y.XmlText;
    if (inText && before(item)) return [];
    const holder = item.parent instanceof Y.XmlText ? item.parent._item : item;
    const left = holder && before(holder);
    const parent = holder?.parent;
    if (left) {
      const element = elementOf(left);
      const isOwn = element?.nodeName === 'citation' && isNew(left) && !moved.has(left.id.clock);
      return isOwn ? [{ letter: idOf(id), element, kind: 'citation', times }] : [];
    }
    const isOwn = parent instanceof Y.XmlElement && isNew(parent._item);
    const element = isOwn && (parent as Y.XmlElement);
    return element ? [{ letter: idOf(id), element, kind: 'break', times }] : [];
  });
}

/** Whether a letter, said as `idOf` does, is still there. */
export function stands(doc: Y.Doc, letter: string): boolean {
  const [client = NaN, clock = NaN] = letter.split('.').map(Number);
  return standsAt(doc, client, clock) !== null;
}

/** What is to be put before another letter now, since that one stands for its own. */
export interface Mend {
  torn: Torn;
  before: Copy;
}

/**
 * Which of these lost the letter they were put before, to another's copy of it, and which of them
 * need be looked at again.
 */
export function mendsOf(
  doc: Y.Doc,
  torn: readonly Torn[],
): { mends: Mend[]; waiting: readonly Torn[] } {
  if (torn.length === 0) return { mends: [], waiting: torn };
  const groups = new Map<string, Copy[]>();
  const rewritten = new Set<string>();
  for (const group of copiesIn(notesOf(doc)))
    for (const copy of group) {
      groups.set(idOf(copy), group);
      rewritten.add(copy.of);
    }
  const mends: Mend[] = [];
  const waiting = torn.filter((one) => {
    if (stands(doc, one.letter)) return true;
    const { _item: item } = one.element;
    const isThere = item?.deleted === false;
    // A citation that was removed is not wanted, and a block that others wrote into is one still.
    if (rewritten.has(one.letter) || isThere !== (one.kind === 'citation')) return false;
    const stays = groups.get(one.letter)?.find((copy) => standsAt(doc, copy.client, copy.clock));
    if (stays && one.times < MOST_TIMES) mends.push({ torn: one, before: stays });
    return false;
  });
  return { mends, waiting };
}

/** The letters of this page that stand for those of others, whose changes were `heard` of just now. */
export function wonIn(doc: Y.Doc, heard: readonly Rewrite[]): Copy[] {
  const own = doc.clientID;
  const isHeard = ({ client, clock }: Copy) =>
    heard.some(
      (one) =>
        one.client === client &&
        one.runs.some((run) => clock >= run.clock && clock < run.clock + run.length),
    );
  return copiesIn(notesOf(doc)).flatMap((group) => {
    if (!group.some(isHeard)) return [];
    const rewritten = new Set(group.map(({ of }) => of));
    const last = group.filter((copy) => !rewritten.has(idOf(copy)));
    if (last.every(({ client }) => client === own)) return [];
    return last.filter(
      ({ client, clock }) => client === own && standsAt(doc, client, clock) !== null,
    );
  });
}

/** Where a letter or a citation stands, as the editor counts positions; null where it does not. */
export function positionOf(
  body: Y.XmlFragment,
  { client, clock }: { client: number; clock: number },
  isLeaf: (name: string) => boolean,
): number | null {
  /** The position, or else the size of all that is inside. */
  const walk = (type: Y.XmlFragment | Y.XmlText): { at: number } | { size: number } => {
    let size = 0;
    for (let item = type._start; item; item = item.right) {
      if (item.deleted || !item.countable) continue;
      const inner = item.content instanceof Y.ContentType ? (item.content.type as unknown) : null;
      const isBlock = inner instanceof Y.XmlElement && !isLeaf(inner.nodeName);
      if (inner instanceof Y.XmlText || isBlock) {
        const edge = isBlock ? 1 : 0;
        const found = walk(inner as Y.XmlFragment | Y.XmlText);
        if ('at' in found) return { at: size + edge + found.at };
        size += found.size + 2 * edge;
        continue;
      }
      const { id, length } = item;
      if (id.client === client && clock >= id.clock && clock < id.clock + length)
        return { at: size + clock - id.clock };
      size += length;
    }
    return { size };
  };
  const found = walk(body);
  return 'at' in found ? found.at : null;
}
