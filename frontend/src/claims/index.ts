export { claimOf, coverageLine, nextUnresolved, unresolved, VERDICTS } from './claims';
export {
  cancelCheck,
  type Checking,
  claimsChanged,
  claimsPath,
  useChecking,
  useClaims,
} from './report';
