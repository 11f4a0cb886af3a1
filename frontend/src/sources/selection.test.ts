import { afterEach, describe, expect, it } from 'vitest';

import { selectedRange } from './selection';

const SEGMENTS: [number, string][] = [
  [100, '📈 Growth was 12 %.'],
  [120, 'Costs 😀 fell.'],
];

function reader(): HTMLElement {
  const root = document.createElement('div');
  for (const [start, text] of SEGMENTS) {
    const piece = document.createElement('p');
    piece.dataset['start'] = String(start);
    piece.textContent = text;
    root.append(piece);
  }
  document.body.append(root);
  return root;
}

function text(root: Element, index: number): Text {
  return root.children[index]?.firstChild as Text;
}

function selectFrom(from: Node, fromAt: number, to: Node, toAt: number): Selection {
  const selection = window.getSelection();
  if (!selection) throw new Error('no selection');
  selection.setBaseAndExtent(from, fromAt, to, toAt);
  return selection;
}

afterEach(() => document.body.replaceChildren());

describe('text selected in the reader', () => {
  it('is counted in code points, emoji as one', () => {
    const root = reader();
    const first = text(root, 0);
    const at = first.data.indexOf('Growth');
    expect(selectedRange(root, selectFrom(first, at, first, at + 6))).toEqual([102, 108]);
  });

  it('may run over several segments', () => {
    const root = reader();
    const second = text(root, 1);
    const selection = selectFrom(text(root, 0), 3, second, second.data.indexOf(' fell'));
    expect(selectedRange(root, selection)).toEqual([102, 127]);
  });

  it('is nothing when it is empty or reaches out of the source', () => {
    const root = reader();
    const outside = document.createElement('p');
    outside.textContent = 'outside';
    document.body.append(outside);
    expect(selectedRange(root, selectFrom(text(root, 0), 2, text(root, 0), 2))).toBeNull();
    expect(selectedRange(root, selectFrom(text(root, 0), 0, outside, 1))).toBeNull();
  });
});
