import { ArrowLeft, ChevronLeft, ChevronRight, Copy, Pause, Play, RotateCcw } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';

import { asProblem, type BriefVersion, type Problem } from '../../api';
import { announce, useBriefPort, useMode, useOffline, useSyncOf } from '../../desk';
import { bringBack, changeOf, editorsOf, plainText, titleOf, useDifference } from '../../history';
import { Button, IconButton } from '../../ui/Button';
import { Notice } from '../../ui/Notice';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { count, when } from '../../ui/words';
import { HistoryName } from './HistoryName';
import { HistoryRows } from './HistoryRows';

/** How long a version stands while the brief is replayed, in milliseconds. */
const STEP = 1500;

interface HistoryVersionProps {
  brief: string;
  version: BriefVersion;
  /** All that are loaded, the latest first. */
  versions: readonly BriefVersion[];
  /** Loads earlier ones; null where there are none. */
  older: (() => Promise<void>) | null;
  onShow: (number: number) => void;
  onClose: () => void;
}

/** One version: what it says, what changed, and the way on, back and into the brief again. */
export function HistoryVersion(props: HistoryVersionProps) {
  const { brief, version, versions, older, onShow, onClose } = props;
  const [marked, setMarked] = useState(true);
  const [withNow, setWithNow] = useState(false);
  const [naming, setNaming] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const port = useBriefPort();
  const offline = useOffline();
  const suggesting = useMode() === 'suggest';
  const unsaved = useSyncOf((sync) => sync.unsynced > 0);

  // From the first to the last, as a reader goes.
  const ordered = [...versions].reverse();
  const at = ordered.findIndex(({ number }) => number === version.number);
  const earlier = ordered[at - 1];
  const later = ordered[at + 1];
  const before = withNow ? version.number : (earlier?.number ?? null);
  const { data, error } = useDifference(brief, before, withNow ? null : version.number);
  const title = titleOf(version, versions);

  const show = (next: BriefVersion | undefined) => {
    if (!next) return;
    setDone(null);
    setProblem(null);
    onShow(next.number);
    announce(`${titleOf(next, versions)}, ${editorsOf(next)}. ${changeOf(next)}.`);
  };

  const [playing, setPlaying] = useState(false);
  const step = useRef(show);
  useEffect(() => {
    step.current = show;
  });
  const ready = data !== undefined;
  useEffect(() => {
    if (!playing || !ready) return;
    const timer = setTimeout(() => {
      if (later) step.current(later);
      else setPlaying(false);
    }, STEP);
    return () => clearTimeout(timer);
  }, [playing, ready, later]);

  // What changed in the first one loaded is told by the one before it.
  const wanted = useRef(older);
  useEffect(() => {
    wanted.current = older;
  });
  useEffect(() => {
    if (at === 0) void wanted.current?.();
  }, [at]);

  // What changed is often far down.
  const text = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!data || !marked) return;
    const box = text.current;
    const first = box?.querySelector<HTMLElement>('[data-change]');
    if (box) box.scrollTop = first ? first.offsetTop - box.offsetTop - box.clientHeight / 3 : 0;
  }, [data, marked]);

  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);

  const restore = async () => {
    if (!port) return;
    setBusy(true);
    setProblem(null);
    setDone(null);
    try {
      const touched = await bringBack(brief, version.number, port);
      const told =
        touched > 0
          ? `${title} is restored: ${count(touched, 'block')} changed. Undo takes it back.`
          : 'The brief says the same as this version: nothing to restore.';
      setDone(told);
      announce(told);
    } catch (failure) {
      setProblem(asProblem(failure));
    } finally {
      setBusy(false);
    }
  };

  const copy = async () => {
    if (!data) return;
    try {
      await navigator.clipboard.writeText(plainText(data));
      announce('The text of this version is copied.');
      setDone('The text of this version is copied.');
    } catch {
      setProblem({
        code: 'clipboard',
        message: 'The browser did not let the text be copied.',
        remedy: 'Select the text below and copy it.',
      });
    }
  };

  const hindered = !port
    ? 'Only who may edit the brief can restore a version.'
    : suggesting
      ? 'A version is restored for everyone at once, not suggested. Choose Edit first.'
      : offline
        ? 'The server does not answer: what is here now could not be saved first.'
        : unsaved
          ? 'The brief is not saved yet; in a moment it is.'
          : null;

  return (
    <div
      className="flex min-h-0 flex-1 flex-col"
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.defaultPrevented || naming) return;
        event.preventDefault();
        onClose();
      }}
    >
      <div className="flex flex-col gap-2 border-b border-border px-4 py-3">
        <div className="flex items-center justify-between gap-2">
          <Button small look="quiet" onClick={onClose}>
            <ArrowLeft size={13} aria-hidden />
            All versions
          </Button>
          <Button
            small
            look="primary"
            disabled={hindered !== null || busy}
            title={hindered ?? undefined}
            onClick={() => void restore()}
          >
            <RotateCcw size={13} aria-hidden />
            {busy ? 'Restoring…' : 'Restore'}
          </Button>
        </div>
        <div>
          <h3 ref={heading} tabIndex={-1} className="text-[13px] font-semibold outline-none">
            {title}
          </h3>
          <p className="text-xs text-muted">
            {[when(version.at), editorsOf(version), changeOf(version)].filter(Boolean).join(' · ')}
          </p>
        </div>
        <div className="flex items-center gap-1">
          <IconButton label="Earlier version" disabled={!earlier} onClick={() => show(earlier)}>
            <ChevronLeft />
          </IconButton>
          <input
            type="range"
            aria-label="Version"
            aria-valuetext={`${title}, ${at + 1} of ${ordered.length}`}
            className="min-w-0 flex-1 accent-(--accent)"
            min={0}
            max={ordered.length - 1}
            value={at}
            onChange={(event) => show(ordered[Number(event.target.value)])}
          />
          <IconButton label="Later version" disabled={!later} onClick={() => show(later)}>
            <ChevronRight />
          </IconButton>
          <IconButton
            label={playing ? 'Stop the replay' : 'Replay from here'}
            disabled={ordered.length < 2}
            onClick={() => {
              if (!playing && !later) show(ordered[0]);
              setPlaying(!playing);
            }}
          >
            {playing ? <Pause /> : <Play />}
          </IconButton>
        </div>
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5 text-xs">
          <label className="flex items-center gap-1.5">
            <input
              type="checkbox"
              checked={marked}
              onChange={(event) => setMarked(event.target.checked)}
            />
            Show changes
          </label>
          <label className="flex items-center gap-1.5">
            Compare
            <select
              value={withNow ? 'now' : 'before'}
              className="h-6.5 rounded-md border border-border bg-surface px-1"
              onChange={(event) => setWithNow(event.target.value === 'now')}
            >
              <option value="before">with the one before</option>
              <option value="now">with the brief now</option>
            </select>
          </label>
          <span className="-mx-2 flex gap-1">
            <Button small look="quiet" disabled={!port || offline} onClick={() => setNaming(true)}>
              {version.name ? 'Rename' : 'Name'}
            </Button>
            <Button small look="quiet" disabled={!data || withNow} onClick={() => void copy()}>
              <Copy size={13} aria-hidden />
              Copy text
            </Button>
          </span>
        </div>
        <HistoryName
          key={`${version.number} ${version.name ?? ''}`}
          brief={brief}
          version={version}
          open={naming}
          onOpenChange={setNaming}
        />
      </div>
      <div
        ref={text}
        className="min-h-0 flex-1 overflow-auto p-4"
        tabIndex={0}
        role="region"
        aria-label={withNow ? 'What changed since this version' : 'This version'}
        aria-busy={!data}
      >
        <div className="mb-3 flex flex-col gap-2 empty:hidden">
          {problem && <ProblemNotice problem={problem} />}
          {done && <Notice tone="ok">{done}</Notice>}
          {error !== null && error !== undefined && <ProblemNotice problem={asProblem(error)} />}
          {data && withNow && (
            <p className="text-[13px] text-muted">
              {data.summary ? `Since this version: ${data.summary}.` : 'Nothing changed since.'}
            </p>
          )}
        </div>
        {data ? (
          <HistoryRows difference={data} marked={marked} />
        ) : (
          !error && (
            <p role="status" className="text-[13px] text-muted">
              Loading the version…
            </p>
          )
        )}
      </div>
    </div>
  );
}
