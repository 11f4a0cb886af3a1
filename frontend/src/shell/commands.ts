import type { Brief, Space } from '../api';
import { announce, type Command, go, goTo, type Mode, setMode } from '../desk';
import type { Theme } from '../ui/theme';
import { focusPane, PANE_NAMES, PANES } from './layout';

/** What stands over the page, one at a time. */
export type Window =
  | 'palette'
  | 'keys'
  | 'new-space'
  | 'new-brief'
  | 'save-template'
  | 'members'
  | 'space-settings'
  | 'delete-space'
  | 'delete-brief';

interface ShellState {
  space: Space | null;
  brief: Brief | null;
  spaces: readonly Space[];
  briefs: readonly Brief[];
  mode: Mode;
  onOpen: (window: Window) => void;
  onTheme: (theme: Theme) => void;
}

/** What the page itself offers in its palette, beside what its panes do. */
export function shellCommands(state: ShellState): Command[] {
  const { space, brief, spaces, briefs, mode, onOpen, onTheme } = state;
  return [
    ...PANES.map((pane) => ({
      id: pane,
      group: 'Go to',
      label: `${PANE_NAMES[pane]} pane`,
      run: () => setTimeout(() => focusPane(pane), 0),
    })),
    { id: 'ask', group: 'Go to', label: 'Ask a question', run: () => go({ left: 'ask' }) },
    {
      id: 'sources',
      group: 'Go to',
      label: 'Sources',
      words: 'upload add files',
      run: () => go({ left: 'sources' }),
    },
    {
      id: 'graph',
      group: 'Go to',
      label: 'Graph',
      words: 'names relations paths communities',
      run: () => go({ left: 'graph' }),
    },
    { id: 'reader', group: 'Go to', label: 'Reader', run: () => go({ left: 'reader' }) },
    { id: 'claims', group: 'Go to', label: 'Claims', run: () => go({ right: 'claims' }) },
    { id: 'comments', group: 'Go to', label: 'Comments', run: () => go({ right: 'comments' }) },
    {
      id: 'suggestions',
      group: 'Go to',
      label: 'Suggestions',
      words: 'tracked changes accept reject',
      run: () => go({ right: 'suggestions' }),
    },
    {
      id: 'history',
      group: 'Go to',
      label: 'History',
      words: 'versions restore replay',
      run: () => go({ right: 'history' }),
    },
    {
      id: 'ship',
      group: 'Go to',
      label: 'Ship',
      words: 'download export markdown docx',
      run: () => go({ right: 'ship' }),
    },
    { id: 'new-brief', group: 'Make', label: 'New brief…', run: () => onOpen('new-brief') },
    { id: 'new-space', group: 'Make', label: 'New space…', run: () => onOpen('new-space') },
    {
      id: 'light',
      group: 'Colours',
      label: 'Light',
      words: 'theme',
      run: () => onTheme('light'),
    },
    { id: 'dark', group: 'Colours', label: 'Dark', words: 'theme', run: () => onTheme('dark') },
    {
      id: 'system',
      group: 'Colours',
      label: 'Like the system',
      words: 'theme',
      run: () => onTheme('system'),
    },
    {
      id: 'mode',
      group: 'Brief',
      label: mode === 'read' ? 'Edit the brief' : 'Read the brief without editing',
      run: () => setMode(mode === 'read' ? 'edit' : 'read'),
    },
    {
      id: 'suggest',
      group: 'Brief',
      label: mode === 'suggest' ? 'Edit instead of suggest' : 'Suggest instead of edit',
      words: 'track changes proposal',
      keys: 'Mod+Shift+E',
      run: () => {
        setMode(mode === 'suggest' ? 'edit' : 'suggest');
        announce(mode === 'suggest' ? 'Editing.' : 'Suggesting: others decide on what you write.');
      },
    },
    ...briefs.map((item) => ({
      id: item.id,
      group: 'Briefs',
      label: item.title || 'Untitled',
      run: () => goTo(item.space, item.id),
    })),
    ...spaces.map((item) => ({
      id: item.id,
      group: 'Spaces',
      label: item.name,
      run: () => goTo(item.id, null),
    })),
    ...(brief
      ? [
          {
            id: 'save-template',
            group: 'Make',
            label: `Save “${brief.title}” as a template…`,
            run: () => onOpen('save-template'),
          },
          {
            id: 'delete-brief',
            group: 'Delete',
            label: `Delete brief “${brief.title}”…`,
            run: () => onOpen('delete-brief'),
          },
        ]
      : []),
    ...(space
      ? [
          {
            id: 'members',
            group: 'Go to',
            label: `Members of “${space.name}”…`,
            words: 'people roles access share',
            run: () => onOpen('members'),
          },
          {
            id: 'space-settings',
            group: 'Go to',
            label: `Settings of space “${space.name}”…`,
            words: 'fusion weights legs rank',
            run: () => onOpen('space-settings'),
          },
          {
            id: 'delete-space',
            group: 'Delete',
            label: `Delete space “${space.name}”…`,
            run: () => onOpen('delete-space'),
          },
        ]
      : []),
    { id: 'keys', group: 'Help', label: 'Keys', keys: 'Mod+/', run: () => onOpen('keys') },
  ];
}
