export { claimOf, coverageLine, nextUnresolved, unresolved, VERDICTS } from './claims';
export { claimsChanged, claimsPath, useClaims } from './report';
