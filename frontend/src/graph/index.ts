export {
  type Box,
  framed,
  nextTowards,
  type Point,
  type Positions,
  settled,
  type Tie,
} from './layout';
export { forgetShown, type Shown, useShown } from './places';
export { useSettled } from './useSettled';
