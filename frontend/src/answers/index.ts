export {
  asText,
  type Chip,
  chipNumbers,
  isOver,
  type Phase,
  reference,
  type Run,
  type Sentence,
} from './reducer';
export { forgetDrafts, useDraft } from './draft';
export { clear, reopen, start, stop, useRun } from './runs';
export type { Question } from './stream';
export { legFailed, legName, legSentence, missingLegs, shares } from './legs';
export { asWritten, correctionsSaid } from './written';
