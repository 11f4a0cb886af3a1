import { toPoints } from './codepoints';

/**
 * The selected text as code point offsets into the stored text, or null when nothing of the
 * source is selected. Pieces of text carry their own offset in `data-start`.
 */
export function selectedRange(root: Element, selection: Selection | null): [number, number] | null {
  if (!selection || selection.isCollapsed || selection.rangeCount === 0) return null;
  const range = selection.getRangeAt(0);
  if (!root.contains(range.startContainer) || !root.contains(range.endContainer)) return null;
  const inside = Array.from(root.querySelectorAll<HTMLElement>('[data-start]')).filter((piece) =>
    range.intersectsNode(piece),
  );
  let start: number | null = null;
  let end: number | null = null;
  for (const piece of inside) {
    const offset = Number(piece.dataset['start']);
    const text = piece.textContent;
    const from = piece.contains(range.startContainer)
      ? unitsBefore(piece, range.startContainer, range.startOffset)
      : 0;
    const to = piece.contains(range.endContainer)
      ? unitsBefore(piece, range.endContainer, range.endOffset)
      : text.length;
    if (to <= from) continue;
    start ??= offset + toPoints(text, from);
    end = offset + toPoints(text, to);
  }
  return start !== null && end !== null && end > start ? [start, end] : null;
}

function unitsBefore(piece: Element, node: Node, offset: number): number {
  const range = document.createRange();
  range.selectNodeContents(piece);
  range.setEnd(node, offset);
  return range.toString().length;
}
