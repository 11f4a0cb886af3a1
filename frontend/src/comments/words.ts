import type { Comment, CommentThread } from '../api';

/** The words a thread is about, as a sentence can quote them. */
export function quoteOf(quote: string): string {
  return quote.replaceAll('\ufffc', ' ').replace(/\s+/g, ' ').trim() || 'a citation or a picture';
}

export interface Piece {
  text: string;
  mention: boolean;
}

/** A comment's words, with those in it that are mentions told apart. */
export function piecesOf({ body, mentions }: Pick<Comment, 'body' | 'mentions'>): Piece[] {
  // The longest name first: “@Ann Lee” is not “@Ann” and a word.
  const names = mentions.map(({ name }) => `@${name}`).sort((a, b) => b.length - a.length);
  const pieces: Piece[] = [];
  let rest = body;
  while (rest) {
    const next = names
      .map((name) => ({ name, at: rest.indexOf(name) }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at - b.at || b.name.length - a.name.length)[0];
    if (!next) break;
    if (next.at > 0) pieces.push({ text: rest.slice(0, next.at), mention: false });
    pieces.push({ text: next.name, mention: true });
    rest = rest.slice(next.at + next.name.length);
  }
  if (rest) pieces.push({ text: rest, mention: false });
  return pieces;
}

/** What is being typed after an “@” before the caret; null where nobody is being named. */
export function mentionAt(body: string, caret: number): { query: string; from: number } | null {
  const found = /(?:^|[\s(])@([^\s@][^@\n]{0,40}|)$/u.exec(body.slice(0, caret));
  if (!found) return null;
  const query = found[1] ?? '';
  return { query, from: caret - query.length - 1 };
}

/** Open threads in reading order; those whose words are gone apart, the oldest first. */
export function sorted(
  threads: readonly CommentThread[],
  order: readonly string[] | null,
): { placed: CommentThread[]; gone: CommentThread[] } {
  if (!order) return { placed: [...threads], gone: [] };
  const rank = new Map(order.map((id, n) => [id, n]));
  const placed = threads.filter(({ id }) => rank.has(id));
  placed.sort((a, b) => (rank.get(a.id) ?? 0) - (rank.get(b.id) ?? 0));
  return { placed, gone: threads.filter(({ id }) => !rank.has(id)) };
}
