import { BookOpen, ChevronDown, type LucideIcon, PencilLine, SquarePen } from 'lucide-react';

import { type Mode, setMode, useMode } from '../../desk';
import { classes } from '../../ui/classes';
import { keyText } from '../../ui/Keys';
import { Menu, MenuItem } from '../../ui/Menu';

const MODES: readonly { id: Mode; name: string; what: string; icon: LucideIcon; says: string }[] = [
  {
    id: 'edit',
    name: 'Editing',
    what: 'Edit',
    icon: SquarePen,
    says: 'Editing: what you write is text at once.',
  },
  {
    id: 'suggest',
    name: 'Suggesting',
    what: 'Suggest',
    icon: PencilLine,
    says: 'Suggesting: others decide on what you write.',
  },
  { id: 'read', name: 'Reading', what: 'Read', icon: BookOpen, says: 'Reading.' },
];

interface ModeMenuProps {
  /** The person's access is to read. */
  locked: boolean;
  announce: (message: string) => void;
}

/** Whether what is written is text, a suggestion, or not written at all. */
export function ModeMenu({ locked, announce }: ModeMenuProps) {
  const chosen = useMode();
  const mode = locked ? 'read' : chosen;
  const now = MODES.find(({ id }) => id === mode) ?? MODES[0];
  if (!now) return null;
  const Icon = now.icon;
  return (
    <Menu
      trigger={
        <button
          type="button"
          className={classes('brief-tool brief-mode', mode === 'suggest' && 'is-suggesting')}
          aria-label={`Mode: ${now.name}`}
          title={locked ? 'You may read this brief' : `Mode (${keyText('Mod+Shift+E')})`}
          disabled={locked}
        >
          <Icon size={14} aria-hidden="true" />
          <span>{now.name}</span>
          <ChevronDown size={13} aria-hidden="true" />
        </button>
      }
    >
      {MODES.map(({ id, what, icon: Item, says }) => (
        <MenuItem
          key={id}
          checked={id === mode}
          onSelect={() => {
            setMode(id);
            announce(says);
          }}
        >
          <Item aria-hidden /> {what}
        </MenuItem>
      ))}
    </Menu>
  );
}
