import { ClipboardPaste, FilePlus2, FolderPlus } from 'lucide-react';
import { type DragEvent, useEffect, useRef, useState } from 'react';

import { asProblem, patch, type Problem, send, type Source } from '../../api';
import { announce } from '../../desk';
import {
  filesOfEntries,
  filesOfInput,
  type Incoming,
  sourcesPath,
  TooManyFiles,
  uploads,
  useSources,
  useUploads,
  withSource,
} from '../../sources';
import { Button } from '../../ui/Button';
import { classes } from '../../ui/classes';
import { Dialog } from '../../ui/Dialog';
import { Empty } from '../../ui/Empty';
import { Input, TextArea } from '../../ui/Field';
import { Form } from '../../ui/Form';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { count } from '../../ui/words';
import { SourceRow, UploadRow } from './SourceRow';

function dropProblem(error: unknown): Problem {
  if (error instanceof TooManyFiles) {
    return {
      code: 'too_many_files',
      message: `More than ${error.limit} files at once.`,
      remedy: 'Add folders one by one, or run: stratmaster ingest PATH',
    };
  }
  return asProblem(error);
}

export function Sources({ space }: { space: string }) {
  const { data, error } = useSources(space);
  const sending = useUploads(space);
  const [filter, setFilter] = useState('');
  const [over, setOver] = useState(false);
  const [pasting, setPasting] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);

  const add = (incoming: readonly Incoming[]) => {
    setProblem(null);
    uploads.add(space, incoming);
    announce(`${count(incoming.length, 'file')} added.`);
  };
  const drop = async (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    // Entries must be taken before the first await: afterwards the browser has emptied the drop.
    const entries = Array.from(event.dataTransfer.items)
      .filter((item) => item.kind === 'file')
      .map((item) => item.webkitGetAsEntry())
      .filter((entry) => entry !== null);
    const files = Array.from(event.dataTransfer.files);
    try {
      add(entries.length > 0 ? await filesOfEntries(entries) : filesOfInput(files));
    } catch (failure) {
      setProblem(dropProblem(failure));
    }
  };
  const pick = (files: FileList | null) => {
    if (!files || files.length === 0) return;
    try {
      add(filesOfInput(files));
    } catch (failure) {
      setProblem(dropProblem(failure));
    }
  };

  const all = data ?? [];
  const wanted = filter.trim().toLowerCase();
  const shown = wanted
    ? all.filter((source) => `${source.title} ${source.path}`.toLowerCase().includes(wanted))
    : all;
  const searchable = all.filter((source) => source.searchable).length;
  const failed = all.filter((source) => source.state === 'failed').length;
  const busy = all.filter((source) =>
    ['queued', 'reading', 'indexing'].includes(source.state),
  ).length;

  return (
    <div
      className="relative flex min-h-0 flex-1 flex-col"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={(event) => void drop(event)}
    >
      <div className="flex shrink-0 flex-col gap-2 border-b border-border px-4 py-3">
        <div className="flex flex-wrap gap-1.5">
          <FilePicker onPick={pick} folder={false} />
          <FilePicker onPick={pick} folder />
          <Button small onClick={() => setPasting(true)}>
            <ClipboardPaste size={13} aria-hidden /> Paste…
          </Button>
        </div>
        {all.length > 0 && (
          <>
            <Input
              type="search"
              aria-label="Filter sources"
              placeholder="Filter by name or folder"
              value={filter}
              onChange={(event) => setFilter(event.target.value)}
            />
            <p className="text-xs text-muted" data-testid="searchable">
              {searchable} of {count(all.length, 'source')} searchable
              {busy > 0 && ` · ${busy} in work`}
              {failed > 0 && ` · ${failed} failed`}
              {wanted && ` · ${shown.length} shown`}
            </p>
          </>
        )}
      </div>

      <div className="min-h-0 flex-1 overflow-auto" tabIndex={-1}>
        {problem && (
          <div className="p-4">
            <ProblemNotice problem={problem} />
          </div>
        )}
        {error !== null && !data && (
          <div className="p-4">
            <ProblemNotice problem={asProblem(error)} />
          </div>
        )}
        {data && all.length === 0 && sending.length === 0 && (
          <Empty title="No sources yet">
            <p>Add a folder, or open the sample space.</p>
            <p className="mt-2">
              Drop files here: PDF, Word, PowerPoint, Excel, CSV, HTML, Markdown, text.
            </p>
          </Empty>
        )}
        {(sending.length > 0 || shown.length > 0) && (
          <ul aria-label="Sources">
            {sending.map((upload) => (
              <UploadRow key={upload.key} upload={upload} />
            ))}
            {shown.map((source) => (
              <SourceRow key={source.id} source={source} />
            ))}
          </ul>
        )}
        {wanted && shown.length === 0 && all.length > 0 && (
          <p className="p-4 text-[13px] text-muted">No source is called that.</p>
        )}
      </div>

      <div
        aria-hidden
        className={classes(
          'pointer-events-none absolute inset-2 flex items-center justify-center rounded-lg border-2 border-dashed border-accent bg-accent-soft/90 font-medium text-accent transition-opacity',
          over ? 'opacity-100' : 'opacity-0',
        )}
      >
        Drop files or folders to add them
      </div>
      <PasteDialog space={space} open={pasting} onOpenChange={setPasting} />
    </div>
  );
}

function FilePicker({
  folder,
  onPick,
}: {
  folder: boolean;
  onPick: (files: FileList | null) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // React knows no property for it.
    if (folder) input.current?.setAttribute('webkitdirectory', '');
  }, [folder]);
  const Icon = folder ? FolderPlus : FilePlus2;
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        data-testid={folder ? 'folder-input' : 'file-input'}
        aria-label={folder ? 'Add a folder' : 'Add files'}
        onChange={(event) => {
          onPick(event.target.files);
          // The same file may be chosen again.
          event.target.value = '';
        }}
      />
      <Button small onClick={() => input.current?.click()}>
        <Icon size={13} aria-hidden /> {folder ? 'Add folder' : 'Add files'}
      </Button>
    </>
  );
}

const FORMATS = [
  { id: 'text', label: 'Text' },
  { id: 'markdown', label: 'Markdown' },
  { id: 'html', label: 'HTML' },
] as const;

interface PasteDialogProps {
  space: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

function PasteDialog({ space, open, onOpenChange }: PasteDialogProps) {
  const [title, setTitle] = useState('');
  const [text, setText] = useState('');
  const [format, setFormat] = useState<(typeof FORMATS)[number]['id']>('text');
  const save = async () => {
    const source = await send<Source>('POST', `${sourcesPath(space)}/paste`, {
      title: title.trim(),
      text,
      format,
    });
    patch<Source[]>(sourcesPath(space), (list) => withSource(list, source));
    setTitle('');
    setText('');
    onOpenChange(false);
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Paste a source"
      description="Text copied from a page or a document; formatting is kept as HTML."
    >
      <Form
        action="Add source"
        ready={title.trim() !== '' && text.trim() !== ''}
        onSubmit={save}
        explain={asProblem}
      >
        <Input
          aria-label="Title"
          placeholder="Title"
          value={title}
          maxLength={200}
          onChange={(event) => setTitle(event.target.value)}
        />
        <TextArea
          aria-label="Text"
          rows={10}
          value={text}
          placeholder="Paste here"
          onChange={(event) => setText(event.target.value)}
          onPaste={(event) => {
            const html = event.clipboardData.getData('text/html');
            if (!html || text) return;
            event.preventDefault();
            setText(html);
            setFormat('html');
          }}
        />
        <fieldset className="flex gap-4 text-[13px]">
          <legend className="sr-only">Format</legend>
          {FORMATS.map((option) => (
            <label key={option.id} className="flex items-center gap-1.5">
              <input
                type="radio"
                name="format"
                className="accent-(--accent)"
                checked={format === option.id}
                onChange={() => setFormat(option.id)}
              />
              {option.label}
            </label>
          ))}
        </fieldset>
      </Form>
    </Dialog>
  );
}
