import type { Fragment, Node } from '@tiptap/pm/model';

import type { CitationEvidence } from './model';

export interface PlacedCitation {
  cite: string;
  pos: number;
}

/** Every citation of a document, in reading order. */
export function citationsIn(doc: Node | Fragment): PlacedCitation[] {
  const found: PlacedCitation[] = [];
  const visit = (node: Node, pos: number) => {
    if (node.type.name === 'citation') found.push({ cite: node.attrs.cite as string, pos });
  };
  if ('descendants' in doc) doc.descendants(visit);
  return found;
}

/** The number of each citation: by first appearance, from one. */
export function numbered(citations: readonly { cite: string }[]): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const { cite } of citations) if (!numbers.has(cite)) numbers.set(cite, numbers.size + 1);
  return numbers;
}

export type ChipState = 'loading' | 'verified' | 'stale' | 'deleted' | 'redacted';

const STATES: Record<CitationEvidence['state'], ChipState> = {
  current: 'verified',
  stale: 'stale',
  deleted: 'deleted',
  redacted: 'redacted',
};

const WORDS: Record<ChipState, string> = {
  loading: 'being checked',
  verified: '',
  stale: 'a newer version of the source exists',
  deleted: 'the source was deleted',
  redacted: 'you may not see this source',
};

export function chipState(evidence: CitationEvidence | undefined): ChipState {
  return evidence ? STATES[evidence.state] : 'loading';
}

/** What a chip is called: "Citation 2: Market study, page 14". */
export function chipName(number: number, evidence: CitationEvidence | undefined): string {
  const state = WORDS[chipState(evidence)];
  const title = evidence && evidence.state !== 'redacted' ? evidence.source_title : '';
  const page = title && evidence?.page ? `page ${evidence.page}` : '';
  const rest = [title, page, state].filter(Boolean).join(', ');
  return rest ? `Citation ${number}: ${rest}` : `Citation ${number}`;
}

/** One line of a list of references. */
export function reference(evidence: CitationEvidence | undefined): string {
  if (!evidence) return 'Source not loaded';
  if (evidence.state === 'redacted') return 'Source not shown';
  const page = evidence.page ? `, p. ${evidence.page}` : '';
  const quote = evidence.quote.replace(/\s+/g, ' ').trim();
  const short = quote.length > 240 ? `${quote.slice(0, 239)}…` : quote;
  return `${evidence.source_title}${page}${short ? `: “${short}”` : ''}`;
}
