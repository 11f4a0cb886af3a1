export { ChecksPane } from './ChecksPane';
