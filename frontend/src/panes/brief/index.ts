export type { BriefHandle, BriefPaneProps } from './types';
