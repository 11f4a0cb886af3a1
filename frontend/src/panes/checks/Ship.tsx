import { FileDown } from 'lucide-react';
import { useEffect, useState } from 'react';

import { asProblem, type Problem, request } from '../../api';
import { useClaims } from '../../claims';
import {
  announce,
  go,
  isOffline,
  select,
  type Sync,
  useCommands,
  useSuggestions,
  useSync,
} from '../../desk';
import { FIELD } from '../../editor';
import { documentOf } from '../../session';
import { Button } from '../../ui/Button';
import { Notice } from '../../ui/Notice';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { count } from '../../ui/words';
import { losses } from './loss';

const FORMATS = [
  {
    id: 'md',
    name: 'Markdown',
    button: 'Download Markdown',
  },
  {
    id: 'docx',
    name: 'Word (DOCX)',
    button: 'Download Word document',
  },
] as const;

/** Why the brief cannot be taken out now; null when it can. */
export function shipBlocked(sync: Sync): string | null {
  if (isOffline(sync))
    return 'The server does not answer: a download would miss what is only here.';
  if (sync.connection === 'diverged') {
    return 'This brief was rebuilt on the server; settle that first.';
  }
  if (sync.unsynced > 0) {
    return `${count(sync.unsynced, 'change')} not saved yet; the download would miss ${sync.unsynced === 1 ? 'it' : 'them'}.`;
  }
  if (sync.connection !== 'live') return 'The brief is not connected yet.';
  return null;
}

/** How long the document rests before it is looked through again, in milliseconds. */
const REST = 400;

/** What each file would show otherwise than the editor; null where the brief is not open. */
function useLosses(brief: string, connection: Sync['connection']) {
  const [told, setTold] = useState<ReturnType<typeof losses> | null>(null);
  useEffect(() => {
    const doc = documentOf(brief);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      timer = undefined;
      setTold(doc && losses(doc.getXmlFragment(FIELD)));
    };
    const later = () => {
      timer ??= setTimeout(look, REST);
    };
    // The session may open a moment after this pane: looked for again when the connection changes.
    timer = setTimeout(look);
    doc?.on('update', later);
    return () => {
      clearTimeout(timer);
      doc?.off('update', later);
    };
  }, [brief, connection]);
  return told;
}

/** The file name the server chose, also when it is not plain ASCII. */
export function fileName(disposition: string | null, otherwise: string): string {
  if (!disposition) return otherwise;
  const extended = /filename\*=UTF-8''([^;]+)/i.exec(disposition)?.[1];
  if (extended) {
    try {
      return decodeURIComponent(extended);
    } catch {
      return otherwise;
    }
  }
  return /filename="?([^";]+)"?/i.exec(disposition)?.[1] ?? otherwise;
}

export function Ship({ brief }: { brief: string }) {
  const sync = useSync();
  const report = useClaims(brief);
  const pending = useSuggestions()?.all.length ?? 0;
  const [preview, setPreview] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState<string | null>(null);
  const blocked = shipBlocked(sync);
  const lost = useLosses(brief, sync.connection);
  const open = (report.data?.claims ?? []).filter((claim) =>
    ['unsupported', 'stale', 'partial'].includes(claim.verdict),
  );

  const run = async (what: string, work: () => Promise<void>) => {
    setBusy(what);
    setProblem(null);
    try {
      await work();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(null);
    }
  };
  const path = (format: string) => `/api/briefs/${brief}/download?format=${format}`;
  const download = (format: string) =>
    run(format, async () => {
      const response = await request(path(format));
      const name = fileName(response.headers.get('content-disposition'), `brief.${format}`);
      const url = URL.createObjectURL(await response.blob());
      const link = document.createElement('a');
      link.href = url;
      link.download = name;
      link.click();
      // Taking the address back at once would cut off the download.
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
      announce(`${name} downloaded.`);
    });
  const show = () =>
    run('preview', async () => {
      setPreview(await (await request(path('md'))).text());
    });

  useCommands(
    blocked === null
      ? FORMATS.map(({ id, name }) => ({
          id: `download-${id}`,
          group: 'Ship',
          label: `Download as ${name}`,
          run: () => void download(id),
        }))
      : [],
  );

  return (
    <div className="flex min-h-0 flex-1 flex-col gap-4 overflow-auto p-4" tabIndex={-1}>
      <p className="text-[13px] text-muted">Take the brief out as a file. It needs no account.</p>
      {blocked && (
        <div id="ship-blocked">
          <Notice tone="warn">{blocked}</Notice>
        </div>
      )}
      {pending > 0 && (
        <Notice
          tone="info"
          title={`${count(pending, 'suggestion')} ${pending === 1 ? 'is' : 'are'} not decided`}
          action={
            <Button small onClick={() => go({ right: 'suggestions' })}>
              See {pending === 1 ? 'it' : 'them'}
            </Button>
          }
        >
          {pending === 1 ? 'It is' : 'They are'} left out: the file says what is agreed on.
        </Notice>
      )}
      {open.length > 0 && (
        <Notice
          tone="warn"
          title={`${count(open.length, 'claim')} would leave without full support`}
        >
          <ul className="mt-1 flex max-h-40 flex-col gap-1 overflow-auto">
            {open.map((claim) => (
              <li key={`${claim.hash}${claim.order}`}>
                <button
                  type="button"
                  className="text-left hover:underline"
                  onClick={() => select({ kind: 'claim', id: claim.hash })}
                >
                  {claim.text}
                </button>
              </li>
            ))}
          </ul>
        </Notice>
      )}
      <ul className="flex flex-col gap-2">
        {FORMATS.map((format) => (
          <li key={format.id} className="rounded-md border border-border p-3">
            <div className="flex items-center justify-between gap-2">
              <h3 className="font-medium">{format.name}</h3>
              <Button
                small
                look="primary"
                disabled={blocked !== null || busy !== null}
                aria-label={format.button}
                aria-describedby={blocked ? 'ship-blocked' : undefined}
                title={blocked ?? undefined}
                onClick={() => void download(format.id)}
              >
                <FileDown size={13} aria-hidden />
                {busy === format.id ? 'Writing…' : 'Download'}
              </Button>
            </div>
            {lost && <Losses lines={lost[format.id]} />}
          </li>
        ))}
      </ul>
      {problem && <ProblemNotice problem={problem} />}
      <div>
        <Button
          small
          disabled={blocked !== null || busy !== null}
          title={blocked ?? undefined}
          onClick={() => void show()}
        >
          {preview === null ? 'Preview the Markdown' : 'Refresh the preview'}
        </Button>
        {preview !== null && (
          <pre
            aria-label="Markdown preview"
            tabIndex={0}
            className="mt-2 max-h-[50vh] overflow-auto rounded-md bg-surface-2 p-3 font-mono text-[12px] leading-relaxed whitespace-pre-wrap"
          >
            {preview}
          </pre>
        )}
      </div>
    </div>
  );
}

function Losses({ lines }: { lines: readonly string[] }) {
  if (lines.length === 0)
    return <p className="mt-1 text-xs text-muted">Shows everything as the editor does.</p>;
  return (
    <ul aria-label="Not as in the editor" className="mt-1 flex flex-col gap-0.5 text-xs text-muted">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
