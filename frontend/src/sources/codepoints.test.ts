import { describe, expect, it } from 'vitest';

import { pieces, toPoints, toUnits } from './codepoints';

describe('code points and string indexes', () => {
  it('differ after an emoji by one unit each', () => {
    const text = 'a😀b👩‍🚀c';
    expect(toUnits(text, 2)).toBe(3);
    expect(text.slice(toUnits(text, 2), toUnits(text, 3))).toBe('b');
    expect(toPoints(text, text.indexOf('c'))).toBe(6);
  });

  it('turn into each other and back at every code point', () => {
    const text = 'Zürich 12 % 😀 e\u0301 𝔘𝔫𝔦 日本';
    const points = Array.from(text).length;
    for (let point = 0; point <= points; point += 1) {
      expect(toPoints(text, toUnits(text, point))).toBe(point);
    }
  });

  it('stop at the end of the text', () => {
    expect(toUnits('ab', 9)).toBe(2);
    expect(toPoints('ab', 9)).toBe(2);
  });
});

describe('a segment cut around a quote', () => {
  it('marks exactly the quote, emoji before and inside it', () => {
    const text = '📈 Growth 😀 was 12 %.';
    const offset = 100;
    const quote = 'Growth 😀 was';
    const start = offset + 2;
    const cut = pieces(text, offset, start, start + Array.from(quote).length);
    expect(cut.filter((p) => p.marked).map((p) => p.text)).toEqual([quote]);
    expect(cut.map((p) => p.text).join('')).toBe(text);
    expect(cut[2]?.start).toBe(start + Array.from(quote).length);
  });

  it('marks the part that lies in a segment the quote runs through', () => {
    expect(pieces('middle', 10, 5, 30)).toEqual([{ text: 'middle', marked: true, start: 10 }]);
    expect(pieces('middle', 10, 13, 30).map((p) => [p.text, p.marked])).toEqual([
      ['mid', false],
      ['dle', true],
    ]);
  });

  it('marks nothing when the quote lies elsewhere or is empty', () => {
    for (const [start, end] of [
      [0, 10],
      [16, 20],
      [12, 12],
    ] as const) {
      expect(pieces('middle', 10, start, end).some((p) => p.marked)).toBe(false);
    }
  });
});
