export { announce, useSpoken } from './announce';
export { type BriefPort, type CitedSentence, setBriefPort, useBriefPort } from './brief';
export { type Command, useAllCommands, useCommands } from './commands';
export { type Mode, setMode, useMode } from './mode';
export { getPlace, go, goTo, select, subscribePlace, usePlace } from './place';
export { IS_MAC, isTyping, matches, type Shortcut, SHORTCUTS, useShortcuts } from './shortcuts';
export { recall, remember, useStored } from './stored';
export {
  type PendingSuggestion,
  setSuggestionDesk,
  type SuggestionDesk,
  useSuggestions,
} from './suggestions';
export { isOffline, setSync, type Sync, useOffline, useSync, useSyncOf } from './sync';
export {
  formatPlace,
  type LeftTab,
  parsePlace,
  type Place,
  type RightTab,
  sameSelected,
  type Selected,
} from './url';
