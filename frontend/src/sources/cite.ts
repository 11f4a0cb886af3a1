import { type Evidence, send } from '../api';
import { learnEvidence } from './evidence';

/** The longest quote the server stores, in code points. */
export const MAX_QUOTE = 2000;

/** The longest claim that a quote is looked for; half a character at its end is no matter. */
const LONGEST_CLAIM = 2000;

export interface Spot {
  source: string;
  version: string;
  start: number;
  end: number;
}

/**
 * Makes an evidence record of a spot in a source; the server reads the quote from its own text.
 * With a claim, the quote is what in there carries the claim best.
 */
export async function cite(spot: Spot, claim = ''): Promise<Evidence> {
  const record = await send<Evidence>('POST', '/api/evidence', {
    source: spot.source,
    version: spot.version,
    start: spot.start,
    end: spot.end,
    ...(claim.trim() ? { text: claim.slice(0, LONGEST_CLAIM) } : {}),
  });
  learnEvidence(record);
  return record;
}
