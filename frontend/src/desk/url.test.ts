import { describe, expect, it } from 'vitest';

import { formatPlace, NOWHERE, parsePlace, parseSelected, type Place } from './url';

function parse(url: string): Place {
  const { pathname, search } = new URL(url, 'http://localhost');
  return parsePlace(pathname, search);
}

describe('the address of the page', () => {
  it('survives a round trip for every kind of selection', () => {
    const selections: Place['sel'][] = [
      null,
      { kind: 'cite', id: 'cit_0123456789abcdef' },
      { kind: 'claim', id: 'a1b2' },
      { kind: 'block', id: 'k3j2h1g0f9' },
      { kind: 'at', source: 'src_00', version: 'f'.repeat(64), start: 0, end: 17 },
    ];
    for (const sel of selections) {
      const place: Place = { space: 'spc_1', brief: 'brf_2', left: 'reader', right: 'ship', sel };
      expect(parse(formatPlace(place))).toEqual(place);
    }
  });

  it('leaves defaults out', () => {
    expect(formatPlace({ ...NOWHERE, space: 'spc_1', brief: 'brf_2' })).toBe('/s/spc_1/b/brf_2');
    expect(formatPlace({ ...NOWHERE, space: 'spc_1' })).toBe('/s/spc_1');
    expect(formatPlace(NOWHERE)).toBe('/');
  });

  it('keeps the selection readable', () => {
    const place: Place = { ...NOWHERE, space: 's', brief: 'b', sel: { kind: 'cite', id: 'cit_1' } };
    expect(formatPlace(place)).toBe('/s/s/b/b?sel=cite:cit_1');
  });

  it('reads what it cannot understand as the default', () => {
    expect(parse('/s/x/b/y?left=map&right=&sel=nonsense')).toEqual({
      ...NOWHERE,
      space: 'x',
      brief: 'y',
    });
    expect(parse('/elsewhere')).toEqual(NOWHERE);
    expect(parse('/s/%E0%A4%A/b/y').space).toBeNull();
  });

  it('refuses a place in a source whose end lies before its start', () => {
    expect(parseSelected('at:src_1.abc.9-3')).toBeNull();
    expect(parseSelected('at:src_1.abc.3-3')).toMatchObject({ start: 3, end: 3 });
    expect(parseSelected('at:src_1.abc.-3-9')).toBeNull();
  });
});
