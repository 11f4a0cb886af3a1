export {
  claimOf,
  coverageLine,
  nextUnresolved,
  selectedClaim,
  unresolved,
  VERDICTS,
} from './claims';
export {
  cancelCheck,
  type Checking,
  claimsChanged,
  claimsPath,
  useChecking,
  useClaims,
} from './report';
