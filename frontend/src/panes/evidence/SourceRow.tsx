import { RotateCcw, Trash2, X } from 'lucide-react';
import { type ReactNode, useState } from 'react';

import {
  asProblem,
  get,
  invalidate,
  patch,
  type Problem,
  send,
  type Source,
  type SourceUse,
  useResource,
  type VersionRow,
} from '../../api';
import { announce, goTo, select } from '../../desk';
import { sourcesPath, type Upload, uploads, withSource } from '../../sources';
import { Button, IconButton } from '../../ui/Button';
import { classes } from '../../ui/classes';
import { Confirm } from '../../ui/Dialog';
import { Disclosure } from '../../ui/Disclosure';
import { Progress } from '../../ui/Progress';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { bytes, count, duration, when } from '../../ui/words';

const STATES: Record<Source['state'], { word: string; className: string; busy: boolean }> = {
  queued: { word: 'queued', className: 'text-muted', busy: true },
  reading: { word: 'reading', className: 'text-accent', busy: true },
  indexing: { word: 'indexing', className: 'text-accent', busy: true },
  ready: { word: 'ready', className: 'text-ok', busy: false },
  failed: { word: 'failed', className: 'text-bad', busy: false },
  cancelled: { word: 'cancelled', className: 'text-muted', busy: false },
};

const MARKS: Record<Source['state'], string> = {
  queued: '○',
  reading: '◐',
  indexing: '◑',
  ready: '✓',
  failed: '✗',
  cancelled: '–',
};

export function SourceRow({ source }: { source: Source }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [uses, setUses] = useState<SourceUse[] | null>(null);
  const { receipt, progress, version } = source;
  const state = STATES[source.state];

  const act = async (what: () => Promise<unknown>) => {
    setProblem(null);
    try {
      await what();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  const change = (action: 'cancel' | 'retry') =>
    act(async () => {
      const changed = await send<Source | null>('POST', `/api/sources/${source.id}/${action}`);
      if (changed) patch<Source[]>(sourcesPath(source.space), (l) => withSource(l, changed));
    });

  return (
    <li className="lazy-row border-b border-border px-4 py-2.5" data-state={source.state}>
      <div className="flex items-start gap-2">
        <div className="min-w-0 flex-1">
          {version && source.searchable ? (
            <button
              type="button"
              className="block max-w-full truncate text-left font-medium hover:text-accent hover:underline"
              title={source.path}
              onClick={() =>
                select({ kind: 'at', source: source.id, version: version.hash, start: 0, end: 0 })
              }
            >
              {source.title}
            </button>
          ) : (
            <p className="truncate font-medium" title={source.path}>
              {source.title}
            </p>
          )}
          <p className="flex flex-wrap gap-x-2 text-xs text-muted">
            <span className={classes('font-medium', state.className)}>
              <span aria-hidden>{MARKS[source.state]} </span>
              {state.word}
            </span>
            {receipt?.pages != null && <span>{count(receipt.pages, 'page')}</span>}
            {receipt && <span>{count(receipt.passages, 'passage')}</span>}
            {version && <span>{bytes(version.bytes)}</span>}
            {source.path !== source.title && source.path.includes('/') && (
              <span className="truncate">{source.path.slice(0, source.path.lastIndexOf('/'))}</span>
            )}
            {receipt && receipt.skipped.length + receipt.warnings.length > 0 && (
              <span className="text-warn">
                ⚠ {count(receipt.skipped.length + receipt.warnings.length, 'remark')}
              </span>
            )}
          </p>
        </div>
        <div className="flex shrink-0">
          {state.busy && (
            <IconButton label={`Cancel ${source.title}`} onClick={() => void change('cancel')}>
              <X aria-hidden />
            </IconButton>
          )}
          {(source.state === 'failed' || source.state === 'cancelled') && (
            <IconButton label={`Read ${source.title} again`} onClick={() => void change('retry')}>
              <RotateCcw aria-hidden />
            </IconButton>
          )}
          <IconButton
            label={`Delete ${source.title}…`}
            onClick={() =>
              void act(async () =>
                setUses(await get<SourceUse[]>(`/api/sources/${source.id}/uses`)),
              )
            }
          >
            <Trash2 aria-hidden />
          </IconButton>
        </div>
      </div>

      {state.busy && source.state !== 'queued' && (
        <div className="mt-1.5 flex items-center gap-2">
          <div className="flex-1">
            <Progress
              label={`${source.title}: ${progress?.stage ?? state.word}`}
              value={progress && progress.total > 0 ? progress.done / progress.total : null}
            />
          </div>
          {progress && progress.total > 0 && (
            <span className="text-xs text-muted tabular-nums">
              {progress.stage} {progress.done}/{progress.total}
            </span>
          )}
        </div>
      )}
      {source.error && (
        <div className="mt-2">
          <ProblemNotice problem={source.error} />
        </div>
      )}
      {problem && (
        <div className="mt-2">
          <ProblemNotice problem={problem} />
        </div>
      )}

      <div className="mt-1 flex flex-wrap gap-x-4 gap-y-1 text-xs">
        {receipt && (
          <Disclosure summary="Receipt">
            <ReceiptView source={source} />
          </Disclosure>
        )}
        {source.used_in_claims > 0 && (
          <Disclosure summary={`Used in ${count(source.used_in_claims, 'claim')}`}>
            <Uses source={source} />
          </Disclosure>
        )}
        {source.versions > 1 && (
          <Disclosure summary={count(source.versions, 'version')}>
            <Versions source={source} />
          </Disclosure>
        )}
      </div>

      <Confirm
        open={uses !== null}
        onOpenChange={(open) => {
          if (!open) setUses(null);
        }}
        title={`Delete “${source.title}”?`}
        action="Delete the source"
        onConfirm={() =>
          void act(async () => {
            await send('DELETE', `/api/sources/${source.id}`);
            patch<Source[]>(sourcesPath(source.space), (list) =>
              list.filter((item) => item.id !== source.id),
            );
            invalidate('/api/spaces');
            announce(`${source.title} deleted.`);
          })
        }
      >
        <p>It leaves search, every index and the disk, with all its versions.</p>
        {uses && uses.length > 0 ? (
          <>
            <p className="mt-2 font-medium text-text">It is cited in:</p>
            <ul className="list-disc pl-5">
              {uses.map((use) => (
                <li key={use.brief}>
                  {use.title || 'Untitled'} ({count(use.claims, 'claim')})
                </li>
              ))}
            </ul>
            <p className="mt-2">These citations keep their quotes and are marked as deleted.</p>
          </>
        ) : (
          <p className="mt-2">No brief cites it.</p>
        )}
      </Confirm>
    </li>
  );
}

const LANGUAGES = new Intl.DisplayNames('en', { type: 'language' });

function language(code: string): string {
  // "root" is how the registry of languages writes none in particular.
  if (!code || code === 'root') return 'not recognised';
  return /^[a-z]{2,3}$/.test(code) ? (LANGUAGES.of(code) ?? code) : code;
}

function ReceiptView({ source }: { source: Source }) {
  const { receipt } = source;
  if (!receipt) return null;
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 text-xs">
      <Fact name="Format">{receipt.format}</Fact>
      {receipt.pages !== null && <Fact name="Pages">{receipt.pages}</Fact>}
      <Fact name="Passages">{receipt.passages}</Fact>
      <Fact name="Characters">{receipt.characters.toLocaleString('en')}</Fact>
      <Fact name="Language">{language(receipt.language)}</Fact>
      <Fact name="Time">{duration(receipt.seconds)}</Fact>
      <Fact name="Added">{when(source.created_at)}</Fact>
      <Fact name="Skipped">
        {receipt.skipped.length === 0
          ? 'nothing'
          : receipt.skipped.map((part) => (
              <span key={part.where + part.why} className="block">
                {part.where}: {part.why}
              </span>
            ))}
      </Fact>
      {receipt.warnings.length > 0 && (
        <Fact name="Warnings">
          {receipt.warnings.map((warning) => (
            <span key={warning} className="block">
              {warning}
            </span>
          ))}
        </Fact>
      )}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Uses({ source }: { source: Source }) {
  const { data } = useResource<SourceUse[]>(`/api/sources/${source.id}/uses`);
  return (
    <ul className="flex flex-col gap-0.5">
      {(data ?? []).map((use) => (
        <li key={use.brief}>
          <button
            type="button"
            className="text-accent hover:underline"
            onClick={() => goTo(source.space, use.brief)}
          >
            {use.title || 'Untitled'}
          </button>{' '}
          ({count(use.claims, 'claim')})
        </li>
      ))}
    </ul>
  );
}

function Versions({ source }: { source: Source }) {
  const { data } = useResource<VersionRow[]>(`/api/sources/${source.id}/versions`);
  return (
    <ul className="flex flex-col gap-0.5">
      {(data ?? []).map((version) => (
        <li key={version.hash}>
          <button
            type="button"
            className="text-accent hover:underline"
            onClick={() =>
              select({ kind: 'at', source: source.id, version: version.hash, start: 0, end: 0 })
            }
          >
            Version {version.number}
          </button>{' '}
          {when(version.created_at)}, {bytes(version.bytes)}
          {version.current && ', searched now'}
        </li>
      ))}
    </ul>
  );
}

/** A file that has not become a source yet. */
export function UploadRow({ upload }: { upload: Upload }) {
  return (
    <li className="lazy-row border-b border-border px-4 py-2.5">
      <div className="flex items-center gap-2">
        <div className="min-w-0 flex-1">
          <p className="truncate font-medium">{upload.path}</p>
          <p className="text-xs text-muted">
            {upload.state === 'failed' ? (
              <span className="font-medium text-bad">✗ not taken</span>
            ) : upload.state === 'sending' ? (
              'sending…'
            ) : (
              'waiting'
            )}{' '}
            · {bytes(upload.bytes)}
          </p>
        </div>
        {upload.state === 'failed' && (
          <Button small onClick={() => uploads.retry(upload.key)}>
            Try again
          </Button>
        )}
        <IconButton label={`Take ${upload.path} out`} onClick={() => uploads.remove(upload.key)}>
          <X aria-hidden />
        </IconButton>
      </div>
      {upload.state === 'sending' && (
        <div className="mt-1.5">
          <Progress label={`Sending ${upload.path}`} value={null} />
        </div>
      )}
      {upload.problem && (
        <div className="mt-2">
          <ProblemNotice problem={upload.problem} />
        </div>
      )}
    </li>
  );
}
