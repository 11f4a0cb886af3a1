import type * as Y from 'yjs';

/* The documents open in this page, for who only reads them. */

const open = new Map<string, Y.Doc>();

/** Says that a brief's document is open, until what is returned is called. */
export function opened(brief: string, doc: Y.Doc): () => void {
  open.set(brief, doc);
  return () => {
    if (open.get(brief) === doc) open.delete(brief);
  };
}

/** The open document of a brief; null where it is not open in this page. */
export function documentOf(brief: string): Y.Doc | null {
  return open.get(brief) ?? null;
}
