import type { Claim, Coverage, Verdict } from '../api';
import type { Selected } from '../desk';

export const VERDICTS: Record<Verdict, { word: string; resolved: boolean }> = {
  supported: { word: 'supported', resolved: true },
  partial: { word: 'partly supported', resolved: false },
  unsupported: { word: 'no evidence', resolved: false },
  stale: { word: 'stale', resolved: false },
  opinion: { word: 'opinion', resolved: true },
};

/** Claims a person still has something to do about, in the order of the document. */
export function unresolved(claims: readonly Claim[]): Claim[] {
  return claims
    .filter((claim) => !VERDICTS[claim.verdict].resolved)
    .sort((a, b) => a.order - b.order);
}

/** The next (or previous) unresolved claim after `from`, round the end; null when all are resolved. */
export function nextUnresolved(
  claims: readonly Claim[],
  from: string | null,
  direction: 1 | -1,
): Claim | null {
  const open = unresolved(claims);
  if (open.length === 0) return null;
  const order = claims.find((claim) => claim.hash === from)?.order;
  if (order === undefined) return open.at(direction === 1 ? 0 : -1) ?? null;
  return direction === 1
    ? (open.find((claim) => claim.order > order) ?? open[0] ?? null)
    : (open.findLast((claim) => claim.order < order) ?? open.at(-1) ?? null);
}

/** The claim a citation or block belongs to. */
export function claimOf(
  claims: readonly Claim[],
  where: { cite: string } | { block: string },
): Claim | undefined {
  return claims.find((claim) =>
    'cite' in where ? claim.cites.includes(where.cite) : claim.block === where.block,
  );
}

/** The claim that what is selected leads to. */
export function selectedClaim(claims: readonly Claim[], sel: Selected | null): Claim | undefined {
  if (sel?.kind === 'claim') return claims.find(({ hash }) => hash === sel.id);
  if (sel?.kind === 'cite') return claimOf(claims, { cite: sel.id });
  return sel?.kind === 'block' ? claimOf(claims, { block: sel.id }) : undefined;
}

/** "coverage 38/41 · 2 stale · 1 without evidence". */
export function coverageLine(coverage: Coverage): string {
  const parts = [`coverage ${coverage.supported + coverage.opinion}/${coverage.claims}`];
  if (coverage.partial) parts.push(`${coverage.partial} partly`);
  if (coverage.stale) parts.push(`${coverage.stale} stale`);
  if (coverage.unsupported) parts.push(`${coverage.unsupported} without evidence`);
  if (coverage.opinion) parts.push(`${coverage.opinion} opinion`);
  return parts.join(' · ');
}
