import { Fragment, type Node } from '@tiptap/pm/model';

import { newBlockId } from '../schema';
import { aligned } from './align';
import {
  deletionOf,
  fragmentOf,
  type Pen,
  plain,
  sameBase,
  sizeOf,
  type Token,
  tokensOf,
  track,
} from './inline';
import {
  idOf,
  NODE_KINDS,
  nodeStamp,
  type NodeStamp,
  ownAttrs,
  sameMarkup,
  type Stamp,
  withAttr,
} from './model';

/** Where an offset in a text block after the change lies in what is written down. */
export type Finder = (offset: number, forward: boolean) => { id: string; offset: number };

export interface Merged {
  doc: Node;
  /** By the id of each text block after the change. */
  places: ReadonlyMap<string, Finder>;
}

interface Work {
  stamp: Stamp;
  places: Map<string, Finder>;
  /** Ids that blocks from before keep, so that what is put in beside them needs others. */
  taken: Set<string>;
  /** Blocks that went back into the ones they were split from, by id. */
  returned: Map<string, string>;
}

/**
 * Writes a change of structure down as a suggestion: what it took away stays and is marked, what it
 * put in is marked. Blocks are told apart by their ids. Rejecting all of it gives `before` again,
 * accepting all of it says what `after` says.
 */
export function merge(before: Node, after: Node, stamp: Stamp): Merged {
  const taken = new Set<string>();
  before.descendants((node) => {
    const id = idOf(node);
    if (id !== null) taken.add(id);
    return !node.isTextblock;
  });
  const work: Work = { stamp, places: new Map(), taken, returned: new Map() };
  const children = mergeChildren(contents(before), contents(after), false, work);
  const doc = before.copy(Fragment.fromArray(children));
  return { doc: work.returned.size > 0 ? led(doc, work.returned) : doc, places: work.places };
}

/** Has what followed a block that is gone follow the one it went into. */
function led(node: Node, into: ReadonlyMap<string, string>): Node {
  let out = node.isTextblock
    ? node
    : node.copy(Fragment.fromArray(contents(node).map((child) => led(child, into))));
  for (const kind of ['split', 'joined'] as const) {
    const stamp = nodeStamp(out, kind);
    const of = stamp?.of === undefined ? undefined : into.get(stamp.of);
    if (stamp && of !== undefined) out = withAttr(out, kind, { ...stamp, of });
  }
  return out;
}

function contents(node: Node): Node[] {
  return Array.from({ length: node.childCount }, (_, n) => node.child(n));
}

function isMine(node: Node, kind: 'inserted' | 'split', author: string): boolean {
  return nodeStamp(node, kind)?.author === author;
}

function mergeChildren(a: readonly Node[], b: readonly Node[], own: boolean, work: Work): Node[] {
  const out: Node[] = [];
  const pairs = aligned(a, b);
  let [i, j] = [0, 0];
  for (let n = 0; n <= pairs.length; n += 1) {
    const [nextI, nextJ] = pairs[n] ?? [a.length, b.length];
    for (; i < nextI; i += 1) {
      const node = a[i];
      if (node) out.push(...removed(node, own, work));
    }
    for (; j < nextJ; j += 1) {
      const node = b[j];
      if (node) out.push(inserted(node, own, out.at(-1), work));
    }
    const [x, y] = [a[nextI], b[nextJ]];
    if (!x || !y) break;
    const [followA] = pairs[n + 1] ?? [a.length];
    const [, followB] = pairs[n + 1] ?? [0, b.length];
    const gone = a.slice(nextI + 1, followA);
    const come = b.slice(nextJ + 1, followB);
    const moved =
      come.length > 0 && gone.length === 0
        ? parted(x, y, come, own, work)
        : gone.length > 0 && come.length === 0
          ? joined(x, y, gone, own, work)
          : null;
    if (moved) {
      out.push(...moved);
      i = followA;
      j = followB;
    } else {
      out.push(mergeNode(x, y, own, work));
      i = nextI + 1;
      j = nextJ + 1;
    }
  }
  return out;
}

function mergeNode(a: Node, b: Node, own: boolean, work: Work): Node {
  const mine = own || isMine(a, 'inserted', work.stamp.author);
  if (a.isTextblock && a.eq(b)) {
    found(b, idOf(a), (offset) => offset, work);
    return a;
  }
  if (a.isTextblock) {
    const pen: Pen = { stamp: work.stamp, own: mine, moved: true };
    const { tokens, place } = track(tokensOf(a), tokensOf(b), pen, a.type.schema);
    found(b, idOf(a), place, work);
    return changed(a, b, mine, tokens, work);
  }
  if (a.eq(b)) {
    a.descendants((node) => {
      if (node.isTextblock) found(node, idOf(node), (offset) => offset, work);
      return !node.isTextblock;
    });
    return a;
  }
  const children = a.isLeaf ? [] : mergeChildren(contents(a), contents(b), mine, work);
  return relabelled(a, b, mine, Fragment.fromArray(children), work);
}

function found(
  b: Node,
  id: string | null,
  place: (offset: number, forward: boolean) => number,
  work: Work,
): void {
  const known = idOf(b);
  if (known === null || id === null) return;
  work.places.set(known, (offset, forward) => ({ id, offset: place(offset, forward) }));
}

function changed(a: Node, b: Node, mine: boolean, tokens: readonly Token[], work: Work): Node {
  return relabelled(a, b, mine, fragmentOf(tokens, a.type.schema), work);
}

/** The block with this content: of the type it has after, with what it was before kept beside. */
function relabelled(a: Node, b: Node, mine: boolean, content: Fragment, work: Work): Node {
  if (sameMarkup(a, b)) return a.copy(content);
  const held = Object.fromEntries(NODE_KINDS.map((kind) => [kind, a.attrs[kind] as unknown]));
  const attrs = { ...b.attrs, ...held, id: a.attrs.id as unknown };
  if ('origin' in a.attrs) Object.assign(attrs, { origin: a.attrs.origin as unknown });
  const node = b.type.create(attrs, content, a.marks);
  if (mine) return node;
  const earlier = nodeStamp(a, 'changed');
  const before = earlier?.before ?? { type: a.type.name, attrs: ownAttrs(a) };
  if (before.type === b.type.name && JSON.stringify(before.attrs) === JSON.stringify(ownAttrs(b)))
    return withAttr(node, 'changed', null);
  return withAttr(node, 'changed', { ...work.stamp, before });
}

/** What stays of a block that was taken away: nothing, if its author takes back a proposal. */
function removed(node: Node, own: boolean, work: Work): Node[] {
  if (own || isMine(node, 'inserted', work.stamp.author)) return [];
  if (nodeStamp(node, 'deleted')) return [node];
  return [withAttr(node, 'deleted', work.stamp)];
}

/** A block that was put in: plain inside, and with ids that no block from before has. */
function inserted(node: Node, own: boolean, beside: Node | undefined, work: Work): Node {
  const copy = fresh(node, work);
  if (own) return copy;
  const before = beside && nodeStamp(beside, 'inserted');
  return withAttr(copy, 'inserted', before?.author === work.stamp.author ? before : work.stamp);
}

function fresh(node: Node, work: Work): Node {
  const known = idOf(node);
  const id = known !== null && work.taken.has(known) ? newBlockId() : known;
  if (id !== null) work.taken.add(id);
  const attrs: Record<string, unknown> = { ...node.attrs };
  for (const kind of NODE_KINDS) if (kind in attrs) attrs[kind] = null;
  if (known !== null) attrs.id = id;
  if (!node.isTextblock)
    return node.type.create(
      attrs,
      contents(node).map((child) => fresh(child, work)),
      node.marks,
    );
  // What somebody else proposes to delete is not put in anew.
  const tokens = tokensOf(node).filter((token) => !deletionOf(token));
  found(node, id, (offset) => offset, work);
  return node.type.create(attrs, fragmentOf(tokens.map(plain), node.type.schema), node.marks);
}

/** The only text block of a block: itself, or what stands alone in its list items. */
function soleText(node: Node): Node | null {
  if (node.isTextblock) return node;
  const only = node.childCount === 1 ? node.child(0) : null;
  return only && node.type.name === 'listItem' && only.isTextblock ? only : null;
}

function withText(node: Node, block: Node): Node {
  return node.isTextblock ? block : node.copy(Fragment.from(block));
}

function ending(a: readonly Token[], b: readonly Token[], most: number): number {
  let count = 0;
  while (count < most) {
    const [x, y] = [a[a.length - 1 - count], b[b.length - 1 - count]];
    if (!x || !y || !sameBase(x, y)) break;
    count += 1;
  }
  return count;
}

function beginning(a: readonly Token[], b: readonly Token[], most: number): number {
  let count = 0;
  while (count < most) {
    const [x, y] = [a[count], b[count]];
    if (!x || !y || !sameBase(x, y)) break;
    count += 1;
  }
  return count;
}

/** A block whose end went on in another: that one is marked as split off, and its words are not. */
function parted(a: Node, b: Node, come: readonly Node[], own: boolean, work: Work): Node[] | null {
  const off = come.at(-1);
  const [was, now, rest] = [soleText(a), soleText(b), off ? soleText(off) : null];
  if (!off || !was || !now || !rest || own || isMine(a, 'inserted', work.stamp.author)) return null;
  if (!sameMarkup(a, b) || !sameMarkup(was, now)) return null;
  if (isMine(was, 'inserted', work.stamp.author) || rest.type.spec.code !== was.type.spec.code)
    return null;
  const [old, kept, tail] = [tokensOf(was), tokensOf(now), tokensOf(rest)];
  const head = beginning(old, kept, Math.min(old.length, kept.length));
  const moved = ending(old, tail, Math.min(tail.length, old.length - head));
  const stayed = ending(old, kept, Math.min(old.length, kept.length) - head);
  const of = idOf(was);
  // Two blocks may end alike without one having been part of the other.
  if (moved <= stayed || of === null) return null;

  const pen: Pen = { stamp: work.stamp, own: false };
  const { schema } = a.type;
  const stays = track(old.slice(0, old.length - moved), kept, pen, schema);
  found(now, of, stays.place, work);
  const first = withText(a, was.copy(fragmentOf(stays.tokens, schema)));
  const between = come.slice(0, -1).map((node) => inserted(node, own, undefined, work));

  const begun = track([], tail.slice(0, tail.length - moved), pen, schema);
  const content = [...begun.tokens, ...old.slice(old.length - moved)];
  const shell = fresh(off, work);
  const block = soleText(shell) ?? shell;
  const outer = withText(shell, block.copy(fragmentOf(content, schema)));
  const split = withAttr(outer, 'split', { ...work.stamp, of });
  // Both halves of what somebody else would insert are theirs.
  const theirs = nodeStamp(a, 'inserted') ?? nodeStamp(was, 'inserted');
  return [first, ...between, theirs ? withAttr(split, 'inserted', theirs) : split];
}

/** A block that went into the one before: it stays where it is and is marked as joined to that. */
function joined(a: Node, b: Node, gone: readonly Node[], own: boolean, work: Work): Node[] | null {
  const off = gone.at(-1);
  const [was, now, rest] = [soleText(a), soleText(b), off ? soleText(off) : null];
  if (!off || !was || !now || !rest || own) return null;
  if (!sameMarkup(a, b) || !sameMarkup(was, now)) return null;
  const { author } = work.stamp;
  const mine = isMine(was, 'inserted', author);
  if (a !== was && (mine || isMine(a, 'inserted', author))) return null;
  if ([off, rest].some((node) => isMine(node, 'inserted', author))) return null;
  if (nodeStamp(off, 'deleted') || nodeStamp(rest, 'deleted')) return null;
  if (rest.type.spec.code !== was.type.spec.code) return null;
  const [old, all, tail] = [tokensOf(was), tokensOf(now), tokensOf(rest)];
  const head = beginning(old, all, Math.min(old.length, all.length));
  const moved = ending(all, tail, Math.min(tail.length, all.length - head));
  const stayed = ending(old, all, Math.min(old.length, all.length) - head);
  const of = idOf(was);
  const into = idOf(rest);
  if (moved <= stayed || of === null || into === null) return null;

  const { schema } = a.type;
  const by = work.stamp;
  const stays = track(old, all.slice(0, all.length - moved), { stamp: by, own: mine }, schema);
  const lost = track(tail.slice(0, tail.length - moved), [], { stamp: by, own: false }, schema);
  const border = sizeOf(all) - sizeOf(all.slice(all.length - moved));
  const between = gone.slice(0, -1).flatMap((node) => removed(node, own, work));
  const tailTokens = tail.slice(tail.length - moved);

  const split = nodeStamp(off, 'split');
  const beside = nodeStamp(a, 'split')?.of ?? nodeStamp(was, 'split')?.of;
  const back = split?.of === of || (beside !== undefined && split?.of === beside);
  if (split?.author === author && back && between.length === 0) {
    // One's own split is taken back: the words return to where they were.
    work.returned.set(into, of);
    const tokens = [...stays.tokens, ...lost.tokens, ...tailTokens];
    const before = sizeOf(stays.tokens) + sizeOf(lost.tokens);
    found(
      now,
      of,
      (offset, forward) =>
        offset <= border ? stays.place(offset, forward) : before + offset - border,
      work,
    );
    return [withText(a, was.copy(fragmentOf(tokens, schema)))];
  }
  const id = idOf(now);
  const skipped = sizeOf(lost.tokens);
  if (id !== null)
    work.places.set(id, (offset, forward) =>
      offset < border || (offset === border && !forward)
        ? { id: of, offset: stays.place(offset, forward) }
        : { id: into, offset: skipped + offset - border },
    );
  const first = withText(a, was.copy(fragmentOf(stays.tokens, schema)));
  const last = withText(off, rest.copy(fragmentOf([...lost.tokens, ...tailTokens], schema)));
  const stamp: NodeStamp = { ...(nodeStamp(off, 'joined') ?? work.stamp), of };
  return [first, ...between, withAttr(last, 'joined', stamp)];
}
