import * as Y from 'yjs';

import { newBlockId } from './schema';

interface Owned {
  element: Y.XmlElement;
  client: number;
  clock: number;
}

function collect(node: Y.XmlFragment | Y.XmlElement, byId: Map<string, Owned[]>): void {
  for (const child of node.toArray()) {
    if (!(child instanceof Y.XmlElement)) continue;
    const id: unknown = child.getAttribute('id');
    const item = child._item;
    if (typeof id === 'string' && item) {
      const owned = { element: child, client: item.id.client, clock: item.id.clock };
      byId.set(id, [...(byId.get(id) ?? []), owned]);
    }
    collect(child, byId);
  }
}

/** What a block holds, as comparable text. */
function says(node: Y.XmlElement | Y.XmlText | Y.XmlHook): string {
  if (node instanceof Y.XmlText) return JSON.stringify(node.toDelta());
  if (!(node instanceof Y.XmlElement)) return '';
  const attributes = Object.entries(node.getAttributes()).sort(([a], [b]) => a.localeCompare(b));
  return JSON.stringify([node.nodeName, attributes, node.toArray().map(says)]);
}

function remove(element: Y.XmlElement): void {
  const parent = element.parent;
  if (!(parent instanceof Y.XmlFragment)) return;
  const index = parent.toArray().indexOf(element);
  if (index >= 0) parent.delete(index, 1);
}

/**
 * Settles blocks that have one id after edits met: two people who move a block at once each delete
 * it and insert it again, which leaves two. The older copy stays. A younger one that says the same
 * is removed, one that was edited keeps its words under a new id; its author's client does this, or
 * the first of those `present` when the author has left. Returns how many blocks it settled.
 */
export function settleCopies(body: Y.XmlFragment, present: ReadonlySet<number>): number {
  const doc = body.doc;
  if (!doc) return 0;
  const self = doc.clientID;
  const first = Math.min(self, ...present);
  const byId = new Map<string, Owned[]>();
  collect(body, byId);
  let settled = 0;
  doc.transact(() => {
    for (const same of byId.values()) {
      if (same.length === 1) continue;
      same.sort((a, b) => a.client - b.client || a.clock - b.clock);
      const [oldest, ...younger] = same;
      for (const { element, client } of younger) {
        const mine = client === self || (!present.has(client) && first === self);
        if (!mine || !oldest) continue;
        if (says(element) === says(oldest.element)) remove(element);
        else element.setAttribute('id', newBlockId());
        settled += 1;
      }
    }
  });
  return settled;
}
