export {
  accept,
  ACCEPTED_FROM,
  acceptAll,
  decide,
  DECIDED,
  decideStep,
  reject,
  rejectAll,
  type Selection,
  type Verdict,
  WRITES_ANEW,
} from './decide';
export { suggestCopy } from './kept';
export { type Suggestion, suggestionAt, suggestionsIn } from './list';
export { type Author, colorOf, type Stamp } from './model';
export { type BlockChange, suggestBlocks } from './offer';
export { rewrite, SUGGESTED } from './rewrite';
