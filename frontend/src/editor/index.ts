export { citationsIn, chipName, numbered, reference } from './citations';
export { briefExtensions, type EditorWorld } from './extensions';
export type { ActionStatus } from './extensions/action';
export { citationOrder } from './extensions/citation';
export { claimAt, unresolvedClaims } from './extensions/claims';
export {
  commentAnchor,
  commentAt,
  type CommentMark,
  commentOrder,
  commentRange,
  type MovedAnchor,
  selectedAnchor,
} from './extensions/comments';
export type { StatusElsewhere } from './extensions/elsewhere';
export { findCount, NOTHING, patternProblem, type Wanted } from './extensions/find';
export { isSafeLink } from './extensions/link';
export { TABLE_ACTS } from './extensions/tableKeys';
export { hearSelection } from './heard';
export { markdownBlocks } from './markdown';
export type { CitationEvidence, CitedSentence, ClaimMark, PassageChoice, Verdict } from './model';
export { type Heading, type Measure, measure, measurePart, minutes } from './measure';
export { ORIGIN_NAMES, type Origin, type Shares } from './provenance';
export {
  chooseSuggestion,
  decideIn,
  goToSuggestion,
  SUGGEST_AS,
  suggestState,
} from './extensions/suggest';
export {
  type Author,
  type BlockChange,
  colorOf,
  suggestBlocks,
  suggestCopy,
  type Suggestion,
} from './suggestions';
export { BLOCKS, FIELD, newBlockId } from './schema';
export { locate, sentenceAt } from './sentences';
