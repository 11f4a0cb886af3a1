import { BookOpen, ChevronDown, type LucideIcon, PencilLine, SquarePen } from 'lucide-react';

import { type Mode, setMode, useMode } from '../../desk';
import { classes } from '../../ui/classes';
import { keyText } from '../../ui/Keys';
import { Menu, MenuItem } from '../../ui/Menu';

const MODES: readonly {
  id: Mode;
  name: string;
  what: string;
  means: string;
  icon: LucideIcon;
}[] = [
  {
    id: 'edit',
    name: 'Editing',
    what: 'Edit',
    icon: SquarePen,
    means: 'what you write is text at once',
  },
  {
    id: 'suggest',
    name: 'Suggesting',
    what: 'Suggest',
    icon: PencilLine,
    means: 'others decide on what you write',
  },
  {
    id: 'read',
    name: 'Reading',
    what: 'Read',
    icon: BookOpen,
    means: 'nothing is changed',
  },
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
      {MODES.map(({ id, name, what, means, icon: Item }) => (
        <MenuItem
          key={id}
          checked={id === mode}
          onSelect={() => {
            setMode(id);
            announce(`${name}: ${means}.`);
          }}
        >
          <Item aria-hidden className="shrink-0 self-start" />
          <span>
            <span className="block">{what}</span>
            <span className="block text-xs font-normal text-muted">{means}</span>
          </span>
        </MenuItem>
      ))}
    </Menu>
  );
}
