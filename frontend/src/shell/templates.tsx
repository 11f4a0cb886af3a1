import { Ellipsis, Pencil, Trash2 } from 'lucide-react';
import { type KeyboardEvent, useState } from 'react';

import {
  asProblem,
  type Brief,
  invalidate,
  type OwnTemplate,
  type Problem,
  refetch,
  send,
  type Template,
  useResource,
} from '../api';
import { announce, goTo } from '../desk';
import { Button, IconButton } from '../ui/Button';
import { Confirm, Dialog } from '../ui/Dialog';
import { Input } from '../ui/Field';
import { Form } from '../ui/Form';
import { Menu, MenuItem } from '../ui/Menu';
import { ProblemNotice } from '../ui/ProblemNotice';
import { when } from '../ui/words';
import { TemplatePreview } from './TemplatePreview';

/** The longest name of a template; the server refuses one more. */
const LONGEST = 120;

/** What a brief may begin with, ours and the space's alike. */
interface Choice {
  /** What a new brief names as its template. */
  key: string;
  title: string;
  detail: string;
  preview: Template['preview'];
  own: OwnTemplate | null;
}

const ofOurs = ({ name, title, description, preview }: Template): Choice => ({
  key: name,
  title,
  detail: description,
  preview,
  own: null,
});

const ofTheirs = (own: OwnTemplate): Choice => ({
  key: own.id,
  title: own.name,
  detail: `Saved ${when(own.created_at)}`,
  preview: own.preview,
  own,
});

/** Up and down walk along the templates; Enter begins a brief with the one that has the focus. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined || event.target instanceof HTMLInputElement) return;
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-template]')];
  const at = all.findIndex((one) => one === event.target);
  if (at < 0) return;
  event.preventDefault();
  all[(at + step + all.length) % all.length]?.focus();
}

/** The templates a brief may start from, each shown while it is pointed at. */
export function TemplatePicker({ space, onDone }: { space: string; onDone?: () => void }) {
  const ours = useResource<Template[]>('/api/briefs/templates');
  const theirs = useResource<OwnTemplate[]>(`/api/spaces/${space}/templates`);
  const [title, setTitle] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [shown, setShown] = useState<string | null>(null);
  const first = (ours.data ?? []).map(ofOurs);
  const own = (theirs.data ?? []).map(ofTheirs);
  const choice = [...first, ...own].find(({ key }) => key === shown) ?? first[1] ?? null;

  const create = async (from: Choice | null) => {
    setBusy(true);
    setProblem(null);
    try {
      const brief = await send<Brief>('POST', `/api/spaces/${space}/briefs`, {
        title: title.trim() || from?.title || 'Untitled brief',
        ...(from ? { template: from.key } : {}),
      });
      await refetch(`/api/spaces/${space}/briefs`);
      invalidate('/api/spaces');
      onDone?.();
      goTo(space, brief.id);
      announce(`Brief ${brief.title} made.`);
    } catch (failure) {
      setProblem(asProblem(failure));
    } finally {
      setBusy(false);
    }
  };

  const entry = (one: Choice) => (
    <TemplateEntry
      key={one.key}
      choice={one}
      busy={busy}
      onShow={() => setShown(one.key)}
      onUse={() => void create(one)}
      onChanged={() => refetch(`/api/spaces/${space}/templates`)}
    />
  );

  return (
    <div className="flex flex-col gap-3">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          // Enter in the title starts from the first template: the blank one.
          if (!busy) void create(first[0] ?? null);
        }}
      >
        <Input
          aria-label="Title of the brief"
          placeholder="Title"
          value={title}
          maxLength={200}
          onChange={(event) => setTitle(event.target.value)}
        />
      </form>
      {problem && <ProblemNotice problem={problem} />}
      <div className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_minmax(0,1fr)]" onKeyDown={walk}>
        <div className="flex min-w-0 flex-col gap-3">
          <ul aria-label="Templates" className="flex flex-col gap-1.5">
            {first.map(entry)}
            {ours.error !== null && !ours.data && (
              <li>
                <Button disabled={busy} onClick={() => void create(null)}>
                  Empty brief
                </Button>
              </li>
            )}
          </ul>
          <section aria-label="Templates of this space" className="flex flex-col gap-1.5">
            <h3 className="text-xs font-medium text-muted">Of this space</h3>
            {theirs.error !== null && !theirs.data ? (
              <ProblemNotice problem={asProblem(theirs.error)} />
            ) : own.length > 0 ? (
              <ul className="flex flex-col gap-1.5">{own.map(entry)}</ul>
            ) : (
              theirs.data && (
                <p className="text-[13px] text-muted">
                  None yet. “Save as a template” in a brief’s menu keeps its headings, tables and
                  words here.
                </p>
              )
            )}
          </section>
        </div>
        {choice && <TemplatePreview title={choice.title} lines={choice.preview} />}
      </div>
    </div>
  );
}

interface EntryProps {
  choice: Choice;
  busy: boolean;
  onShow: () => void;
  onUse: () => void;
  onChanged: () => Promise<unknown>;
}

function TemplateEntry({ choice, busy, onShow, onUse, onChanged }: EntryProps) {
  const { own, title, detail } = choice;
  const [renaming, setRenaming] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const remove = async () => {
    try {
      await send('DELETE', `/api/templates/${choice.key}`);
      announce(`Template ${title} deleted.`);
      await onChanged();
    } catch (failure) {
      setProblem(asProblem(failure));
    }
  };
  return (
    <li onMouseEnter={onShow} onFocus={onShow}>
      {renaming ? (
        <Rename
          template={choice}
          onDone={async (changed) => {
            setRenaming(false);
            if (changed) await onChanged();
          }}
        />
      ) : (
        <div className="flex items-stretch gap-1">
          <button
            type="button"
            data-template
            disabled={busy}
            onClick={onUse}
            className="flex min-w-0 flex-1 flex-col rounded-md border border-border bg-surface px-3 py-2 text-left transition-colors hover:border-accent focus-visible:border-accent"
          >
            <span className="block font-serif text-[15px] font-semibold break-words">{title}</span>
            <span className="mt-0.5 block text-xs text-muted">{detail}</span>
          </button>
          {own?.changeable && (
            <Menu
              trigger={
                <IconButton label={`Change the template ${title}`}>
                  <Ellipsis aria-hidden />
                </IconButton>
              }
            >
              <MenuItem onSelect={() => setRenaming(true)}>
                <Pencil aria-hidden /> Rename…
              </MenuItem>
              <MenuItem danger onSelect={() => setDeleting(true)}>
                <Trash2 aria-hidden /> Delete…
              </MenuItem>
            </Menu>
          )}
        </div>
      )}
      {problem && <ProblemNotice problem={problem} />}
      <Confirm
        open={deleting}
        onOpenChange={setDeleting}
        title={`Delete the template “${title}”?`}
        action="Delete the template"
        onConfirm={() => void remove()}
      >
        <p>It is deleted for the whole space. Briefs that were begun with it stay as they are.</p>
      </Confirm>
    </li>
  );
}

interface RenameProps {
  template: Choice;
  onDone: (changed: boolean) => Promise<void>;
}

function Rename({ template, onDone }: RenameProps) {
  const [name, setName] = useState(template.title);
  return (
    <div
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        // The dialog around it stays.
        event.stopPropagation();
        void onDone(false);
      }}
    >
      <Form
        action="Rename"
        ready={name.trim() !== ''}
        explain={asProblem}
        onSubmit={async () => {
          await send('PATCH', `/api/templates/${template.key}`, { name: name.trim() });
          announce(`Template renamed to ${name.trim()}.`);
          await onDone(true);
        }}
      >
        <Input
          autoFocus
          aria-label={`New name of ${template.title}`}
          value={name}
          maxLength={LONGEST}
          onChange={(event) => setName(event.target.value)}
        />
      </Form>
    </div>
  );
}

interface SaveTemplateProps {
  brief: Brief;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** Keeps what a brief says as a template of its space. */
export function SaveTemplate({ brief, open, onOpenChange }: SaveTemplateProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const name = typed ?? brief.title.slice(0, LONGEST);
  const close = (next: boolean) => {
    if (!next) setTyped(null);
    onOpenChange(next);
  };
  const save = async () => {
    await send('POST', `/api/briefs/${brief.id}/template`, { name: name.trim() });
    await refetch(`/api/spaces/${brief.space}/templates`);
    announce(`Template ${name.trim()} saved.`);
    close(false);
  };
  return (
    <Dialog
      open={open}
      onOpenChange={close}
      title="Save as a template"
      description="Everybody in the space can begin a brief with it. Citations, comments, suggestions and dates stay behind."
    >
      <Form action="Save" ready={name.trim() !== ''} onSubmit={save} explain={asProblem}>
        <Input
          aria-label="Name of the template"
          value={name}
          maxLength={LONGEST}
          onChange={(event) => setTyped(event.target.value)}
        />
      </Form>
    </Dialog>
  );
}
