import { describe, expect, it } from 'vitest';

import { asWritten, correctionsSaid } from './written';

const RETENTION = { written: 'retenton', searched: 'retention' };
const MARGIN = { written: 'margn', searched: 'margin' };

describe('a corrected question', () => {
  it('is searched as written with the corrected words in quotes, and no others', () => {
    expect(asWritten('Was retenton, net of churn, up?', [RETENTION])).toBe(
      'Was "retenton", net of churn, up?',
    );
    expect(asWritten('retentons and retenton', [RETENTION])).toBe('retentons and "retenton"');
    expect(asWritten('margn of retenton', [RETENTION, MARGIN])).toBe('"margn" of "retenton"');
  });

  it('leaves what is quoted already as it is', () => {
    expect(asWritten('“net retenton” or retenton', [RETENTION])).toBe(
      '“net retenton” or "retenton"',
    );
  });

  it('says what was searched for, and why', () => {
    expect(correctionsSaid([RETENTION])).toBe(
      'No passage holds “retenton”; “retention” was searched for, too.',
    );
    expect(correctionsSaid([RETENTION, MARGIN])).toBe(
      'No passage holds “retenton” or “margn”; “retention” and “margin” were searched for, too.',
    );
  });
});
