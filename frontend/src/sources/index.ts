export { pieces, type Piece, toPoints, toUnits } from './codepoints';
export {
  knownEvidence,
  learnEvidence,
  refreshEvidence,
  useEvidence,
  useEvidenceVersion,
  wantEvidence,
} from './evidence';
export { filesOfEntries, filesOfInput, type Incoming, MAX_FILES, TooManyFiles } from './files';
export { sourcesPath, uploads, useSources, useSpaceEvents, useUploads, withSource } from './list';
export type { Upload } from './uploads';
export { cite, MAX_QUOTE, type Spot } from './cite';
export { selectedRange } from './selection';
