import { describe, expect, it } from 'vitest';

import { nextPane } from './layout';

describe('F6', () => {
  it('goes round the panes in both directions', () => {
    expect(nextPane('evidence', 1)).toBe('brief');
    expect(nextPane('checks', 1)).toBe('evidence');
    expect(nextPane('evidence', -1)).toBe('checks');
  });

  it('starts at the first pane, or at the last when going back, from outside', () => {
    expect(nextPane(null, 1)).toBe('evidence');
    expect(nextPane(null, -1)).toBe('checks');
  });
});
