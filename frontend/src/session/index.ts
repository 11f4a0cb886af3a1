export { documentOf } from './documents';
export { forgetCopy, keepCopy, keptCopies, type KeptCopy } from './kept';
export { openSession, type Person, type Session, type SessionOptions } from './session';
export { saved } from './saved';
export { isAway, isFinal } from './status';
export type { Connection, SessionStatus } from './status';
export { plainText } from './text';
export { TITLE } from './touched';
export type { Access } from './wire';
