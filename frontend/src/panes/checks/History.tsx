import { Bookmark, History as Clock, RotateCcw } from 'lucide-react';
import { useState } from 'react';

import type { BriefVersion } from '../../api';
import { useBriefPort, useCommands, useOffline } from '../../desk';
import { byDay, changeOf, editorsOf, titleOf, useVersions } from '../../history';
import { Button } from '../../ui/Button';
import { Empty } from '../../ui/Empty';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { bytes, clock, count } from '../../ui/words';
import { HistoryName } from './HistoryName';
import { HistoryVersion } from './HistoryVersion';

/** The versions of a brief, and the one that is looked at. */
export function History({ brief }: { brief: string }) {
  const found = useVersions(brief);
  const { data, versions, more, busy, error, loadMore } = found;
  const [shown, setShown] = useState<number | null>(null);
  const [left, setLeft] = useState<number | null>(null);
  const [naming, setNaming] = useState(false);
  const writable = useBriefPort() !== null;
  const offline = useOffline();
  const version = versions.find(({ number }) => number === shown);

  useCommands([
    ...(writable
      ? [
          {
            id: 'history-save',
            group: 'History',
            label: 'Save a version',
            run: () => setNaming(true),
          },
        ]
      : []),
  ]);

  if (version)
    return (
      <HistoryVersion
        key={brief}
        brief={brief}
        version={version}
        versions={versions}
        older={more ? loadMore : null}
        onShow={setShown}
        onClose={() => {
          setLeft(version.number);
          setShown(null);
        }}
      />
    );

  return (
    <div className="flex min-h-0 flex-1 flex-col gap-3 overflow-auto p-4" tabIndex={-1}>
      <div className="flex flex-wrap items-center justify-between gap-2">
        <p className="text-[13px] text-muted">
          {data
            ? `${count(data.total, 'version')}, ${bytes(data.bytes)}`
            : 'Saved by itself while you write.'}
        </p>
        <Button
          small
          disabled={!writable || offline}
          title={writable ? undefined : 'Only who may edit the brief can save a version.'}
          onClick={() => setNaming(true)}
        >
          <Bookmark size={13} aria-hidden />
          Save a version
        </Button>
      </div>
      <HistoryName brief={brief} version={null} open={naming} onOpenChange={setNaming} />
      {error && <ProblemNotice problem={error} />}
      {!data && !error && (
        <p role="status" className="text-[13px] text-muted">
          Loading the history…
        </p>
      )}
      {data && versions.length === 0 && (
        <Empty title="No version yet">
          <p>The first edit makes one. Save one yourself to give it a name.</p>
        </Empty>
      )}
      {byDay(versions, new Date()).map(({ day, versions: ofDay }) => (
        <section key={day} aria-label={day}>
          <h3 className="mb-1 text-xs font-semibold text-muted">{day}</h3>
          <ul className="flex flex-col">
            {ofDay.map((one) => (
              <li key={one.number}>
                <VersionRow
                  version={one}
                  all={versions}
                  focused={one.number === left}
                  onShow={() => setShown(one.number)}
                />
              </li>
            ))}
          </ul>
        </section>
      ))}
      {more && (
        <div>
          <Button small disabled={busy} onClick={() => void loadMore()}>
            {busy ? 'Loading…' : 'Show earlier versions'}
          </Button>
        </div>
      )}
    </div>
  );
}

interface VersionRowProps {
  version: BriefVersion;
  all: readonly BriefVersion[];
  /** Whether it was just looked at, so that the keyboard goes on from here. */
  focused: boolean;
  onShow: () => void;
}

const ICONS = { auto: Clock, named: Bookmark, restore: RotateCcw };

function VersionRow({ version, all, focused, onShow }: VersionRowProps) {
  const Icon = ICONS[version.kind];
  const title = titleOf(version, all);
  const time = clock(version.at);
  return (
    <button
      ref={(button) => {
        if (focused) button?.focus();
      }}
      type="button"
      className="-mx-2 flex w-[calc(100%+1rem)] gap-2.5 rounded-md px-2 py-1.5 text-left -outline-offset-2 hover:bg-surface-2"
      onClick={onShow}
    >
      <Icon size={14} aria-hidden className="mt-1 shrink-0 text-muted" />
      <span className="min-w-0 flex-1">
        <span className="flex flex-wrap items-baseline gap-x-2">
          <span className="text-[13px] font-medium tabular-nums [overflow-wrap:anywhere]">
            {title}
          </span>
          {title !== time && <span className="text-xs text-muted tabular-nums">{time}</span>}
          <span className="text-xs text-muted">{editorsOf(version)}</span>
        </span>
        <span className="block text-xs text-muted">{changeOf(version)}</span>
      </span>
    </button>
  );
}
