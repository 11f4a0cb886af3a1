export { restoreVersion } from './restore';
export {
  bringBack,
  renameVersion,
  saveVersion,
  useDifference,
  useVersions,
  versionsPath,
} from './versions';
export { byDay, changeOf, editorsOf, plainText, titleOf } from './words';
