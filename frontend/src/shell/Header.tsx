import {
  ChevronRight,
  Circle,
  CircleAlert,
  CircleCheck,
  CloudOff,
  Command,
  FileText,
  LayoutTemplate,
  Keyboard,
  Monitor,
  Moon,
  Plus,
  RefreshCw,
  Settings2,
  Sun,
  Trash2,
  Users,
} from 'lucide-react';
import { type ReactNode, useState } from 'react';

import { asProblem, type Brief, type Space } from '../api';
import { goTo, useMode, useSync } from '../desk';
import type { Session } from '../session';
import { Button, IconButton } from '../ui/Button';
import { classes } from '../ui/classes';
import { Dialog } from '../ui/Dialog';
import { Input } from '../ui/Field';
import { Form } from '../ui/Form';
import { keyText } from '../ui/Keys';
import { Menu, MenuItem, MenuLabel, MenuLine } from '../ui/Menu';
import type { Theme } from '../ui/theme';
import { count } from '../ui/words';
import { CostToday } from './CostToday';
import { Notifications } from './Notifications';
import { currentPerson, guestName, renamePerson } from './person';
import { syncWords } from './syncWords';
import { useStatusOf, useTitle, useVisitors } from './useSession';

interface HeaderProps {
  spaces: readonly Space[];
  space: Space | null;
  briefs: readonly Brief[];
  brief: Brief | null;
  session: Session | null;
  theme: Theme;
  onTheme: (theme: Theme) => void;
  onPalette: () => void;
  onKeys: () => void;
  onNewSpace: () => void;
  onNewBrief: () => void;
  onSaveTemplate: () => void;
  onMembers: () => void;
  onSpaceSettings: () => void;
  onDeleteSpace: () => void;
  onDeleteBrief: () => void;
}

export function Header(props: HeaderProps) {
  const { spaces, space, briefs, brief, session } = props;
  return (
    <header className="flex min-h-12 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-border bg-surface px-3 py-1.5">
      <h1 className="sr-only">StratMaster</h1>
      <nav
        aria-label="Space and brief"
        className="flex min-w-0 flex-1 basis-full items-center gap-0.5 sm:basis-80"
      >
        <img src="/favicon.svg" alt="" width={22} height={22} className="mr-1.5 shrink-0" />
        <Menu
          trigger={
            <Button look="quiet" className="max-w-52 !px-2">
              <span className="sr-only">Space: </span>
              <span className="truncate">{space?.name ?? 'Spaces'}</span>
            </Button>
          }
        >
          <MenuLabel>Spaces</MenuLabel>
          {spaces.map((item) => (
            <MenuItem
              key={item.id}
              checked={item.id === space?.id}
              onSelect={() => goTo(item.id, null)}
            >
              <span className="min-w-0 flex-1 truncate">{item.name}</span>
              <span className="text-xs text-muted">{count(item.sources, 'source')}</span>
            </MenuItem>
          ))}
          <MenuLine />
          <MenuItem onSelect={props.onNewSpace}>
            <Plus aria-hidden /> New space…
          </MenuItem>
          {space && (
            <>
              <MenuItem onSelect={props.onMembers}>
                <Users aria-hidden /> Members of “{space.name}”…
              </MenuItem>
              <MenuItem onSelect={props.onSpaceSettings}>
                <Settings2 aria-hidden /> Settings of “{space.name}”…
              </MenuItem>
              <MenuItem danger onSelect={props.onDeleteSpace}>
                <Trash2 aria-hidden /> Delete “{space.name}”…
              </MenuItem>
            </>
          )}
        </Menu>
        {space && (
          <>
            <ChevronRight size={14} className="shrink-0 text-muted" aria-hidden />
            <Menu
              trigger={
                <IconButton label={brief ? 'Switch brief' : 'Open a brief'}>
                  <FileText aria-hidden />
                </IconButton>
              }
            >
              <MenuLabel>Briefs</MenuLabel>
              {briefs.map((item) => (
                <MenuItem
                  key={item.id}
                  checked={item.id === brief?.id}
                  onSelect={() => goTo(space.id, item.id)}
                >
                  <span className="min-w-0 truncate">{item.title || 'Untitled'}</span>
                </MenuItem>
              ))}
              <MenuLine />
              <MenuItem onSelect={props.onNewBrief}>
                <Plus aria-hidden /> New brief…
              </MenuItem>
              {brief && (
                <>
                  <MenuItem onSelect={props.onSaveTemplate}>
                    <LayoutTemplate aria-hidden /> Save as a template…
                  </MenuItem>
                  <MenuItem danger onSelect={props.onDeleteBrief}>
                    <Trash2 aria-hidden /> Delete “{brief.title || 'Untitled'}”…
                  </MenuItem>
                </>
              )}
            </Menu>
            {session && <TitleField session={session} known={brief?.title ?? ''} />}
          </>
        )}
      </nav>
      {session && <SyncStatus />}
      {space && <CostToday space={space.id} />}
      <Presence session={session} />
      <div className="flex items-center">
        <Button look="quiet" small onClick={props.onPalette}>
          <Command size={13} aria-hidden />
          <span className="sr-only">Palette, </span>
          {keyText('Mod+K')}
        </Button>
        <Notifications />
        <ThemeMenu theme={props.theme} onTheme={props.onTheme} />
        <IconButton label={`Keys (${keyText('Mod+/')})`} onClick={props.onKeys}>
          <Keyboard aria-hidden />
        </IconButton>
      </div>
    </header>
  );
}

function TitleField({ session, known }: { session: Session; known: string }) {
  const [title, setTitle] = useTitle(session);
  const writable = useStatusOf(session, (status) => status.editable);
  const editable = useMode() === 'edit' && writable;
  const complete = useStatusOf(session, ({ loaded, synced }) => loaded && synced);
  // Until the document has come, the title the list knows stands in for it.
  const shown = title || (writable && complete ? '' : known);
  return (
    <input
      aria-label="Brief title"
      value={shown}
      placeholder="Untitled"
      readOnly={!editable}
      onChange={(event) => setTitle(event.target.value)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') event.currentTarget.blur();
      }}
      className="min-w-24 flex-1 truncate rounded-md border border-transparent bg-transparent px-1.5 py-0.5 font-serif text-[15px] font-semibold hover:border-border focus:border-border"
    />
  );
}

const SYNC_LOOKS: Record<
  ReturnType<typeof syncWords>['tone'],
  { icon: ReactNode; className: string }
> = {
  ok: { icon: <CircleCheck size={14} aria-hidden />, className: 'text-ok' },
  busy: { icon: <RefreshCw size={14} aria-hidden className="working" />, className: 'text-muted' },
  warn: { icon: <CloudOff size={14} aria-hidden />, className: 'text-warn' },
  bad: { icon: <CircleAlert size={14} aria-hidden />, className: 'text-bad' },
};

function SyncStatus() {
  const words = syncWords(useSync());
  const look = SYNC_LOOKS[words.tone];
  return (
    <p
      data-testid="sync-status"
      className={classes(
        'flex items-center gap-1.5 text-xs font-medium whitespace-nowrap tabular-nums',
        look.className,
      )}
    >
      {look.icon}
      {words.text}
    </p>
  );
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  return words
    .slice(0, 2)
    .map((word) => Array.from(word)[0] ?? '')
    .join('')
    .toUpperCase();
}

function Avatar({ name, color }: { name: string; color: string }) {
  return (
    <span
      className="inline-flex size-6.5 items-center justify-center rounded-full border-2 border-surface text-[10px] font-bold text-white"
      style={{ background: color }}
      aria-hidden
    >
      {initials(name)}
    </span>
  );
}

const SHOWN = 4; // visitors drawn before "+n"

function Presence({ session }: { session: Session | null }) {
  const visitors = useVisitors(session);
  const [person, setPerson] = useState(currentPerson);
  const [editing, setEditing] = useState(false);
  const [name, setName] = useState(person.name);
  const save = () => {
    const next = renamePerson(name);
    setPerson(next);
    session?.rename(next.name);
    setEditing(false);
  };
  return (
    <>
      <ul aria-label="Who is here" className="ml-auto flex items-center -space-x-1.5 sm:ml-0">
        {visitors.slice(0, SHOWN).map((visitor) => {
          const name = visitor.id === person.id ? 'You, in another window' : visitor.name;
          return (
            <li key={visitor.client} title={name}>
              <Avatar name={visitor.name} color={visitor.color} />
              <span className="sr-only">{name}</span>
            </li>
          );
        })}
        {visitors.length > SHOWN && (
          <li className="pl-2.5 text-xs text-muted">+{visitors.length - SHOWN}</li>
        )}
        <li>
          <button
            type="button"
            title={`You (${person.name}): change your name`}
            className="rounded-full"
            onClick={() => {
              setName(person.name);
              setEditing(true);
            }}
          >
            <Avatar name={person.name} color={person.color} />
            <span className="sr-only">You ({person.name}): change your name</span>
          </button>
        </li>
      </ul>
      <Dialog
        open={editing}
        onOpenChange={setEditing}
        title="Your name"
        description="Colleagues see it beside your cursor. It stays in this browser."
      >
        <Form action="Save" ready onSubmit={save} explain={asProblem}>
          <Input
            aria-label="Name"
            placeholder={guestName(person.id)}
            value={name}
            maxLength={60}
            onChange={(event) => setName(event.target.value)}
          />
        </Form>
      </Dialog>
    </>
  );
}

const THEMES: { id: Theme; label: string; icon: ReactNode }[] = [
  { id: 'system', label: 'Like the system', icon: <Monitor aria-hidden /> },
  { id: 'light', label: 'Light', icon: <Sun aria-hidden /> },
  { id: 'dark', label: 'Dark', icon: <Moon aria-hidden /> },
];

function ThemeMenu({ theme, onTheme }: { theme: Theme; onTheme: (theme: Theme) => void }) {
  const current = THEMES.find((item) => item.id === theme);
  return (
    <Menu
      trigger={
        <IconButton label={`Colours: ${current?.label ?? ''}`}>
          {current?.icon ?? <Circle aria-hidden />}
        </IconButton>
      }
    >
      {THEMES.map((item) => (
        <MenuItem key={item.id} checked={item.id === theme} onSelect={() => onTheme(item.id)}>
          {item.icon} {item.label}
        </MenuItem>
      ))}
    </Menu>
  );
}
