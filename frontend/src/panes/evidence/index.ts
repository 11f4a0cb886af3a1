export { EvidencePane } from './EvidencePane';
export { Hits } from './Hits';
