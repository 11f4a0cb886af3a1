import * as Y from 'yjs';

/** Stands for the brief's title among the ids of blocks. */
export const TITLE = 'title';

/** Which blocks of the text were changed here since this was last forgotten. */
export interface Touched {
  all(): readonly string[];
  add(ids: readonly string[]): void;
  forget(): void;
  end(): void;
}

type Block = [node: unknown, id: string];

function blocksOf(body: Y.XmlFragment): Block[] {
  return body.toArray().map((node) => {
    return [node, node instanceof Y.XmlElement ? idOf(node) : ''];
  });
}

function idOf(node: Y.XmlElement): string {
  const id: unknown = node.getAttribute('id');
  return typeof id === 'string' ? id : '';
}

/** Follows a document; `isOwn` says which changes count, by their origin. */
export function followTouched(doc: Y.Doc, isOwn: (origin: unknown) => boolean): Touched {
  const body = doc.getXmlFragment('body');
  const title: unknown = doc.getText('title');
  let ids = new Set<string>();
  let blocks = blocksOf(body);

  const add = (found: Iterable<string>) => {
    const next = new Set([...ids, ...found].filter(Boolean));
    // The same value while nothing is new, so that it need not be written again.
    if (next.size > ids.size) ids = next;
  };

  const follow = (transaction: Y.Transaction) => {
    const { changed } = transaction;
    const own = isOwn(transaction.origin);
    const before = blocks;
    if (changed.has(body as never)) blocks = blocksOf(body);
    if (!own) return;
    const found: string[] = [];
    if (blocks !== before) {
      const [was, is] = [new Map(before), new Map(blocks)];
      for (const [node, id] of before) if (!is.has(node)) found.push(id);
      for (const [node, id] of blocks) if (!was.has(node)) found.push(id);
    }
    for (const type of changed.keys()) {
      if ((type as unknown) === title) found.push(TITLE);
      let node: unknown = type;
      while (node instanceof Y.AbstractType && node.parent !== body) node = node.parent;
      if (node instanceof Y.XmlElement) found.push(idOf(node as Y.XmlElement));
    }
    add(found);
  };
  doc.on('afterTransaction', follow);

  return {
    all: () => [...ids],
    add,
    forget() {
      ids = new Set();
    },
    end: () => doc.off('afterTransaction', follow),
  };
}
