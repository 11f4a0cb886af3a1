import { FileDown } from 'lucide-react';
import { useEffect, useState } from 'react';

import { request } from '../../api';
import { announce, type Sync, useCommands } from '../../desk';
import { FIELD } from '../../editor';
import { documentOf } from '../../session';
import { Button } from '../../ui/Button';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { losses } from './loss';
import { useTask } from './useTask';

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

interface ShipFilesProps {
  brief: string;
  connection: Sync['connection'];
  /** Why the brief cannot be taken out now; null when it can. */
  blocked: string | null;
}

/** The brief as a file. It needs no account. */
export function ShipFiles({ brief, connection, blocked }: ShipFilesProps) {
  const [preview, setPreview] = useState<string | null>(null);
  const { busy, problem, run } = useTask();
  const lost = useLosses(brief, connection);

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
    <section aria-labelledby="ship-files" className="flex flex-col gap-2">
      <h3 id="ship-files" className="text-[13px] font-semibold">
        Files
      </h3>
      <ul className="flex flex-col gap-2">
        {FORMATS.map((format) => (
          <li key={format.id} className="rounded-md border border-border bg-surface p-3">
            <div className="flex items-center justify-between gap-2">
              <h4 className="font-medium">{format.name}</h4>
              <Button
                small
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
          look="quiet"
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
    </section>
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
