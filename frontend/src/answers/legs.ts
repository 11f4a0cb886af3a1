import type { Contribution, Hit, LegTrace } from '../api';
import { duration } from '../ui/words';

const NAMES: Record<string, string> = {
  bm25: 'BM25 (exact words)',
  lexical: 'BM25 (exact words)',
  dense: 'dense (meaning)',
  sparse: 'sparse (weighted terms)',
  splade: 'sparse (weighted terms)',
  graph: 'graph (connected passages)',
  quotes: 'quotes (words as quoted)',
};

/** What a leg is called; of a question in parts, with the part it answers. */
export function legName(leg: string, part = 0): string {
  const [name = '', rest] = leg.split(/(?=, part )/);
  return `${NAMES[name] ?? name}${rest ?? (part > 0 ? `, part ${part}` : '')}`;
}

/** "12 passages in 8 ms", or what went wrong and what that means for the answer. */
export function legSentence(leg: LegTrace): string {
  switch (leg.state) {
    case 'ok':
      return `found ${leg.found} in ${duration(leg.milliseconds / 1000)}`;
    case 'late':
      return `too late: left out after ${duration(leg.milliseconds / 1000)}`;
    case 'off':
    case 'absent':
      return 'not set up';
    default:
      return `failed: ${leg.error ?? 'no reason given'}`;
  }
}

/** A leg that should have answered and did not. */
export function legFailed(leg: LegTrace): boolean {
  return leg.state !== 'ok' && leg.state !== 'off' && leg.state !== 'absent';
}

/** What a missing leg costs the person, in words. */
export function missingLegs(legs: readonly LegTrace[]): string | null {
  const failed = legs.filter(legFailed);
  if (failed.length === 0) return null;
  const names = failed.map((leg) => leg.leg).join(' and ');
  const left = legs.filter((leg) => leg.state === 'ok').map((leg) => leg.leg);
  const rest = left.length > 0 ? `${left.join(' and ')} only` : 'no other leg answered';
  const loss = failed.some((leg) => leg.leg === 'dense')
    ? ', paraphrases may be missed'
    : ', exact words may be missed';
  return `${names} index down: ${rest}${left.length > 0 ? loss : ''}.`;
}

/** Each leg's share of a fused score, largest first, as fractions that add up to one. */
export function shares(hit: Hit): (Contribution & { share: number })[] {
  const total = hit.contributions.reduce((sum, { amount }) => sum + amount, 0);
  return hit.contributions
    .map((part) => ({ ...part, share: total > 0 ? part.amount / total : 0 }))
    .sort((a, b) => b.amount - a.amount);
}
