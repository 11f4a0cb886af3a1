export {
  checkConnection,
  connect,
  disconnect,
  findPlaces,
  mappingChoices,
  signIn,
  useConnections,
} from './connections';
export { type Guide, GUIDES } from './guides';
export {
  addTarget,
  cancelRun,
  changeTarget,
  decide,
  dryRun,
  forgetPlans,
  type NewTarget,
  removeTarget,
  resumeRun,
  startRun,
  targetsPath,
  useLedger,
  usePlan,
  useStatusesElsewhere,
  useTargets,
} from './targets';
export type * from './types';
export { showShip, type ShipView, useShipAsked, useShipView } from './view';
export {
  CHANGES,
  changesOf,
  countsInWords,
  isUnderWay,
  KIND_NAMES,
  needsOf,
  OPS,
  outcomeInWords,
  runInWords,
  type Said,
  standingInWords,
  stateOf,
  stretch,
  type Tone,
  wayInWords,
} from './words';
