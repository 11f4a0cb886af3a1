export * from './types';
export {
  ApiError,
  asProblem,
  get,
  isReachable,
  onReachable,
  problemOf,
  request,
  send,
  setReachable,
} from './client';
export { forgetAll, invalidate, patch, refetch, useResource, type Resource } from './resource';
export { readEvents, EventParser, type ServerEvent } from './sse';
