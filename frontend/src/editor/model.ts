/** What the editor is told about the world outside the document. */

/** The part of an evidence record a citation chip shows. */
export interface CitationEvidence {
  id: string;
  source_title: string;
  page: number | null;
  quote: string;
  state: 'current' | 'stale' | 'deleted' | 'redacted';
}

export type Verdict = 'supported' | 'partial' | 'unsupported' | 'stale' | 'opinion';

/** A checked sentence: where it stands and how it fared. */
export interface ClaimMark {
  hash: string;
  block: string;
  text: string;
  verdict: Verdict;
}

/** A sentence with the citations that follow it. */
export interface CitedSentence {
  text: string;
  cites: readonly string[];
}

/** A passage offered while citing by search. */
export interface PassageChoice {
  id: string;
  source_title: string;
  page: number | null;
  text: string;
}
