export { openSession, type Person, type Session, type SessionOptions } from './session';
export type { Connection, SessionStatus } from './status';
export type { Access } from './wire';
