import { type Evidence, send } from '../api';
import { learnEvidence } from './evidence';

/** The longest quote the server stores, in code points. */
export const MAX_QUOTE = 2000;

export interface Spot {
  source: string;
  version: string;
  start: number;
  end: number;
}

/** Makes an evidence record of a spot in a source; the server reads the quote from its own text. */
export async function cite(spot: Spot, answer?: string | null): Promise<Evidence> {
  const record = await send<Evidence>('POST', '/api/evidence', {
    source: spot.source,
    version: spot.version,
    start: spot.start,
    end: spot.end,
    ...(answer ? { answer } : {}),
  });
  learnEvidence(record);
  return record;
}
