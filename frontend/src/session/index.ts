export { documentOf } from './documents';
export { openSession, type Person, type Session, type SessionOptions } from './session';
export { saved } from './saved';
export { isFinal } from './status';
export type { Connection, SessionStatus } from './status';
export type { Access } from './wire';
