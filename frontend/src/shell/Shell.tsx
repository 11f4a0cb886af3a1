import { useEffect, useMemo, useState, type ReactNode } from 'react';
import { Group, Panel, Separator, useDefaultLayout } from 'react-resizable-panels';

import {
  asProblem,
  type Brief,
  invalidate,
  isReachable,
  onReachable,
  type Space,
  useResource,
} from '../api';
import { useCommentDesk } from '../comments';
import {
  goTo,
  go,
  setSync,
  useMode,
  usePlace,
  useShortcuts,
  useSpoken,
  useAllCommands,
} from '../desk';
import { useShipAsked } from '../exports';
import { ChecksPane } from '../panes/checks';
import { EvidencePane } from '../panes/evidence';
import { useSpaceEvents } from '../sources';
import { Boundary } from '../ui/Boundary';
import { Button } from '../ui/Button';
import { classes } from '../ui/classes';
import { Empty } from '../ui/Empty';
import { ProblemNotice } from '../ui/ProblemNotice';
import { applyTheme, storedTheme } from '../ui/theme';
import { Banners } from './Banners';
import { Rebuilt } from './Rebuilt';
import { DeleteBrief, DeleteSpace, NewBrief, NewSpace } from './dialogs';
import { shellCommands, type Window } from './commands';
import { Header } from './Header';
import { KeyList } from './KeyList';
import {
  focusPane,
  nextPane,
  PANE_NAMES,
  PANE_SHARES,
  type PaneId,
  paneOf,
  PANES,
  useWide,
} from './layout';
import { OpenBrief } from './OpenBrief';
import { Members } from './Members';
import { Palette } from './Palette';
import { SpaceSettings } from './SpaceSettings';
import { SaveTemplate, TemplatePicker } from './templates';
import { useSession } from './useSession';

const NO_QUESTIONS: readonly string[] = [];
const RETRY = 5000; // ms between knocks at a server that does not answer

export function Shell() {
  const place = usePlace();
  const spaces = useResource<Space[]>('/api/spaces');
  const space = spaces.data?.find((item) => item.id === place.space) ?? null;
  const briefs = useResource<Brief[]>(space && `/api/spaces/${space.id}/briefs`);
  const brief = briefs.data?.find((item) => item.id === place.brief) ?? null;
  // The brief of the address opens at once, also offline: its copy is on this device.
  const session = useSession(place.brief);
  const [open, setOpen] = useState<Window | null>(null);
  const [theme, setTheme] = useState(storedTheme);
  const mode = useMode();
  useSpaceEvents(space?.id ?? null);
  useFirstPlace(spaces.data, briefs.data);
  useKnocking();

  const chooseTheme = (next: typeof theme) => {
    setTheme(next);
    applyTheme(next);
  };

  const acts = shellCommands({
    space,
    brief,
    spaces: spaces.data ?? [],
    briefs: briefs.data ?? [],
    mode,
    onOpen: setOpen,
    onTheme: chooseTheme,
  });

  useShortcuts({
    'Mod+K': () => setOpen(open === 'palette' ? null : 'palette'),
    'Mod+/': () => setOpen(open === 'keys' ? null : 'keys'),
    'Mod+Shift+E': () => acts.find(({ id }) => id === 'suggest')?.run(),
    F6: () => focusPane(nextPane(paneOf(document.activeElement), 1)),
    'Shift+F6': () => focusPane(nextPane(paneOf(document.activeElement), -1)),
  });
  const offered = useAllCommands();

  const close = (next: boolean) => {
    if (!next) setOpen(null);
  };

  return (
    <div className="flex h-full flex-col">
      <Header
        spaces={spaces.data ?? []}
        space={space}
        briefs={briefs.data ?? []}
        brief={brief}
        session={session}
        theme={theme}
        onTheme={chooseTheme}
        onPalette={() => setOpen('palette')}
        onKeys={() => setOpen('keys')}
        onNewSpace={() => setOpen('new-space')}
        onNewBrief={() => setOpen('new-brief')}
        onSaveTemplate={() => setOpen('save-template')}
        onMembers={() => setOpen('members')}
        onSpaceSettings={() => setOpen('space-settings')}
        onDeleteSpace={() => setOpen('delete-space')}
        onDeleteBrief={() => setOpen('delete-brief')}
      />
      <Banners />
      <Rebuilt />
      <main className="min-h-0 flex-1">
        {spaces.error !== null && !spaces.data && !place.brief ? (
          <div className="mx-auto max-w-lg p-8">
            <ProblemNotice
              problem={asProblem(spaces.error)}
              action={
                <Button small onClick={() => invalidate('/api/')}>
                  Try again
                </Button>
              }
            />
          </div>
        ) : spaces.data?.length === 0 && !session?.localCopy().trim() ? (
          <Empty whole title="No space yet">
            <p>A space is a folder of sources and the briefs written from them.</p>
            <Button className="mt-3" look="primary" onClick={() => setOpen('new-space')}>
              New space…
            </Button>
          </Empty>
        ) : spaces.data && place.space && !space && !session?.localCopy().trim() ? (
          // Who was sent out keeps what they had open, to copy what was not saved.
          <Empty whole title="No such space">
            <p>It was deleted, or it is not shared with you.</p>
            <Button className="mt-3" onClick={() => goTo(spaces.data?.[0]?.id ?? '', null)}>
              Open “{spaces.data[0]?.name}”
            </Button>
          </Empty>
        ) : (
          place.space && (
            <Panes
              evidence={
                <EvidencePane
                  key={place.space}
                  space={place.space}
                  brief={place.brief}
                  questions={space?.questions ?? NO_QUESTIONS}
                />
              }
              brief={
                session ? (
                  <OpenBrief
                    key={session.doc.guid}
                    space={place.space}
                    session={session}
                    mode={mode}
                  />
                ) : briefs.data && !place.brief ? (
                  <div className="mx-auto w-full max-w-2xl overflow-auto p-6">
                    <h2 className="mb-1 font-serif text-xl font-semibold">Start a brief</h2>
                    <p className="mb-4 text-[13px] text-muted">
                      A brief is a shared document; colleagues write in it at the same time.
                    </p>
                    <TemplatePicker space={place.space} />
                  </div>
                ) : null
              }
              checks={<ChecksPane key={place.brief} space={place.space} brief={place.brief} />}
            />
          )
        )}
      </main>
      <Live />
      <Palette open={open === 'palette'} onOpenChange={close} commands={[...offered, ...acts]} />
      <KeyList open={open === 'keys'} onOpenChange={close} />
      <NewSpace open={open === 'new-space'} onOpenChange={close} />
      {space && <NewBrief space={space.id} open={open === 'new-brief'} onOpenChange={close} />}
      {space && (
        <Members
          key={`members of ${space.id}`}
          space={space}
          open={open === 'members'}
          onOpenChange={close}
        />
      )}
      {space && (
        <SpaceSettings
          key={space.id}
          space={space}
          open={open === 'space-settings'}
          onOpenChange={close}
        />
      )}
      {space && <DeleteSpace space={space} open={open === 'delete-space'} onOpenChange={close} />}
      {brief && <SaveTemplate brief={brief} open={open === 'save-template'} onOpenChange={close} />}
      {brief && <DeleteBrief brief={brief} open={open === 'delete-brief'} onOpenChange={close} />}
    </div>
  );
}

/** `/` leads to the first space's first brief; a space without a named brief to its first one. */
function useFirstPlace(spaces: readonly Space[] | undefined, briefs: readonly Brief[] | undefined) {
  const place = usePlace();
  const firstSpace = spaces?.[0]?.id;
  const firstBrief = briefs?.[0];
  useEffect(() => {
    if (!place.space && firstSpace) go({ space: firstSpace, brief: null }, { replace: true });
    else if (place.space && !place.brief && firstBrief?.space === place.space) {
      go({ brief: firstBrief.id }, { replace: true });
    }
  }, [place.space, place.brief, firstSpace, firstBrief]);
}

/** Knocks while the server does not answer, and asks for everything again when it does. */
function useKnocking() {
  useEffect(() => {
    let timer: ReturnType<typeof setInterval> | undefined;
    const follow = (reachable: boolean) => {
      setSync({ reachable });
      clearInterval(timer);
      if (reachable) invalidate('/api/');
      else timer = setInterval(() => invalidate('/api/health'), RETRY);
    };
    setSync({ reachable: isReachable() });
    const leave = onReachable(follow);
    return () => {
      leave();
      clearInterval(timer);
    };
  }, []);
}

function Live() {
  const spoken = useSpoken();
  return (
    <p className="sr-only" aria-live="polite" role="status" data-testid="live">
      {spoken}
    </p>
  );
}

function Pane({ id, children }: { id: PaneId; children: ReactNode }) {
  return (
    <section
      data-pane={id}
      aria-label={PANE_NAMES[id]}
      tabIndex={-1}
      className={classes(
        'flex h-full min-h-0 min-w-0 flex-col overflow-hidden -outline-offset-2',
        // The brief is the paper; what serves it stands beside it.
        id === 'brief' ? 'bg-surface' : 'bg-bg',
      )}
    >
      <h2 className="sr-only">{PANE_NAMES[id]}</h2>
      <Boundary name={PANE_NAMES[id]}>{children}</Boundary>
    </section>
  );
}

type PanesProps = Record<PaneId, ReactNode>;

function Panes(props: PanesProps) {
  return useWide() ? <SideBySide {...props} /> : <Tabbed {...props} />;
}

function SideBySide(props: PanesProps) {
  const { defaultLayout, onLayoutChanged } = useDefaultLayout({ id: 'stratmaster-panes' });
  return (
    <Group
      className="h-full"
      {...(defaultLayout ? { defaultLayout } : {})}
      onLayoutChanged={onLayoutChanged}
    >
      {PANES.flatMap((pane, index) => [
        ...(index === 0
          ? []
          : [
              <Separator
                key={`${pane}-edge`}
                aria-label={`Width of ${PANE_NAMES[pane]}`}
                className="w-px bg-border transition-colors hover:bg-accent data-[separator=active]:bg-accent"
              />,
            ]),
        <Panel key={pane} id={pane} defaultSize={`${PANE_SHARES[pane]}%`} minSize="240px">
          <Pane id={pane}>{props[pane]}</Pane>
        </Panel>,
      ])}
    </Group>
  );
}

/** All panes stay alive behind their tabs: a run goes on and the brief keeps its cursor. */
function Tabbed(props: PanesProps) {
  // A window that is made narrow keeps in front what was worked in.
  const [shown, setShown] = useState<PaneId>(() => paneOf(document.activeElement) ?? 'brief');
  const { sel, left } = usePlace();
  const { wanted } = useCommentDesk();
  const [asked, setAsked] = useState(wanted);
  // A comment that is asked for by key, or by a notification, comes to the front.
  if (wanted !== asked) {
    setAsked(wanted);
    if (wanted) setShown('checks');
  }
  const shipping = useShipAsked();
  const [shipped, setShipped] = useState(shipping);
  // So does a dry-run.
  if (shipping !== shipped) {
    setShipped(shipping);
    setShown('checks');
  }
  const reading = useMemo(
    () => (left === 'reader' && sel ? JSON.stringify(sel) : null),
    [left, sel],
  );
  const [seen, setSeen] = useState(reading);
  // What was selected to be read comes to the front.
  if (reading !== seen) {
    setSeen(reading);
    if (reading) setShown('evidence');
  }
  return (
    <div className="flex h-full flex-col">
      <div
        role="tablist"
        aria-label="Panes"
        className="flex shrink-0 border-b border-border bg-surface"
      >
        {PANES.map((pane) => (
          <button
            key={pane}
            type="button"
            role="tab"
            id={`tab-${pane}`}
            aria-selected={pane === shown}
            aria-controls={`pane-${pane}`}
            tabIndex={pane === shown ? 0 : -1}
            onClick={() => setShown(pane)}
            onKeyDown={(event) => {
              const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
              if (step !== 1 && step !== -1) return;
              const next = nextPane(pane, step);
              setShown(next);
              document.getElementById(`tab-${next}`)?.focus();
            }}
            className="flex-1 -outline-offset-2 border-b-2 border-transparent px-3 py-2 text-[13px] font-medium text-muted aria-selected:border-accent aria-selected:text-text"
          >
            {PANE_NAMES[pane]}
          </button>
        ))}
      </div>
      {PANES.map((pane) => (
        <div
          key={pane}
          role="tabpanel"
          id={`pane-${pane}`}
          aria-labelledby={`tab-${pane}`}
          hidden={pane !== shown}
          onFocus={() => setShown(pane)}
          className="min-h-0 flex-1"
        >
          <Pane id={pane}>{props[pane]}</Pane>
        </div>
      ))}
    </div>
  );
}
