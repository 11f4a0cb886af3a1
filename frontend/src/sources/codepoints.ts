/* Offsets in the API count Unicode code points; JavaScript strings count UTF-16 units. */

/** The string index of the `points`-th code point; the end when there are fewer. */
export function toUnits(text: string, points: number): number {
  let at = 0;
  for (let seen = 0; seen < points && at < text.length; seen += 1) {
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  }
  return at;
}

/** How many code points stand before string index `units`. An index inside a pair counts the pair. */
export function toPoints(text: string, units: number): number {
  let points = 0;
  for (let at = 0; at < units && at < text.length; points += 1) {
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  }
  return points;
}

/** A piece of a segment's text. `start` is its code point offset in the stored text. */
export interface Piece {
  text: string;
  marked: boolean;
  start: number;
}

/** Cuts a segment that begins at code point `offset` around the marked range [start, end). */
export function pieces(text: string, offset: number, start: number, end: number): Piece[] {
  const from = toUnits(text, Math.max(0, start - offset));
  const to = toUnits(text, Math.max(0, end - offset));
  if (to <= from) return text ? [{ text, marked: false, start: offset }] : [];
  const cut: Piece[] = [
    { text: text.slice(0, from), marked: false, start: offset },
    { text: text.slice(from, to), marked: true, start: offset + toPoints(text, from) },
    { text: text.slice(to), marked: false, start: offset + toPoints(text, to) },
  ];
  return cut.filter((piece) => piece.text !== '');
}
