export { BriefPane } from './BriefPane';
export type { BriefHandle, BriefPaneProps } from './types';
