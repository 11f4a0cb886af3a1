export type { CitationEvidence, CitedSentence, ClaimMark, PassageChoice, Verdict } from './model';
