import { type Space, useResource } from '../../api';

/** What this person may do about exports in a space; nothing until that is known. */
export function useExportRights(space: string) {
  const role = useResource<Space[]>('/api/spaces').data?.find(({ id }) => id === space)?.role;
  return { exports: role === 'analyst' || role === 'admin', connects: role === 'admin' };
}
