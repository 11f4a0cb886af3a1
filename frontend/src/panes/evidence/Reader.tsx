import { ChevronLeft, ChevronRight, Copy, Download, Quote } from 'lucide-react';
import { type ReactNode, useCallback, useEffect, useRef, useState } from 'react';

import { legName, type Run, shares, useRun } from '../../answers';
import {
  asProblem,
  type Hit,
  type PageBoxes,
  type Problem,
  type Reading,
  type Segment,
  type StoredAnswer,
  useResource,
  type VersionRow,
} from '../../api';
import { announce, type Selected, select, useBriefPort, usePlace } from '../../desk';
import { cite, MAX_QUOTE, pieces, selectedRange, type Spot, useEvidence } from '../../sources';
import { Button, IconButton } from '../../ui/Button';
import { classes } from '../../ui/classes';
import { Disclosure } from '../../ui/Disclosure';
import { Empty } from '../../ui/Empty';
import { Notice } from '../../ui/Notice';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { when } from '../../ui/words';
import { AlsoIn, placeName } from './Hits';
import { WhyNot } from './WhyNot';

type Readable = Extract<Selected, { kind: 'cite' | 'at' }>;

function isReadable(sel: Selected | null): sel is Readable {
  return sel?.kind === 'cite' || sel?.kind === 'at';
}

/** The exact place behind a citation, a passage or an address. */
export function Reader({ space }: { space: string }) {
  const { sel } = usePlace();
  // Selecting a claim or a block keeps open what was being read.
  const [shown, setShown] = useState<Readable | null>(isReadable(sel) ? sel : null);
  if (isReadable(sel) && sel !== shown) setShown(sel);
  const run = useRun(space);
  const id = shown?.kind === 'cite' ? shown.id : null;
  const record = useEvidence(id ? [id] : []).get(id ?? '');

  if (!shown) {
    return (
      <Empty title="Nothing open">
        <p>Choose a citation, a passage or a source: its exact place opens here.</p>
      </Empty>
    );
  }
  if (shown.kind === 'at') {
    return (
      <Opened
        key={`${shown.source}${shown.version}${shown.start}`}
        space={space}
        run={run}
        spot={shown}
        cited={null}
        answer={null}
      />
    );
  }
  if (record === undefined) return <Loading />;
  if (record === null) {
    return (
      <Empty title="No such citation">
        <p>The server has no evidence record for it. Replace or remove it in the brief.</p>
      </Empty>
    );
  }
  if (record.state === 'deleted') {
    return (
      <div className="flex flex-col gap-3 p-4">
        <Notice tone="bad" title={`“${record.source_title}” was deleted`}>
          What was cited is kept, the source is not. Find other evidence for the claim, or add the
          source again.
        </Notice>
        <blockquote className="border-l-2 border-border-strong pl-3 font-serif text-[15px] leading-relaxed">
          {record.quote}
        </blockquote>
      </div>
    );
  }
  return (
    <Opened
      key={record.id}
      space={space}
      run={run}
      spot={record}
      cited={record.id}
      answer={record.answer}
    />
  );
}

/** The hit that a place is of, or says the same as. */
function hitAt(hits: readonly Hit[], spot: Spot): Hit | null {
  return (
    hits.find(({ passage }) => overlaps(passage, spot)) ??
    hits.find(({ elsewhere }) => elsewhere.some((place) => overlaps(place, spot))) ??
    null
  );
}

function overlaps(passage: Spot, spot: Spot): boolean {
  return (
    passage.source === spot.source &&
    passage.version === spot.version &&
    passage.start < spot.end &&
    spot.start < passage.end
  );
}

function Loading() {
  return (
    <p className="working p-4 text-[13px] text-muted" role="status">
      opening…
    </p>
  );
}

interface OpenedProps {
  space: string;
  /** The answer that stands, of which a place may be a part. */
  run: Run | null;
  spot: Spot;
  cited: string | null;
  answer: string | null;
}

function Opened({ space, run, spot, cited, answer }: OpenedProps) {
  const hit = hitAt(run?.hits ?? [], spot);
  // Leafing moves the window; the quote stays what is highlighted.
  const [at, setAt] = useState<number | null>(null);
  const [picture, setPicture] = useState<number | null>(null);
  const base = `/api/sources/${spot.source}/versions/${spot.version}`;
  const { data } = useResource<Reading>(
    at === null
      ? `${base}/reader?start=${spot.start}&end=${spot.end}`
      : `${base}/reader?start=${at}&end=${at}`,
  );
  // The place itself is read once more under its own address, for its title, page and quote.
  const own = useResource<Reading>(`${base}/reader?start=${spot.start}&end=${spot.end}`);
  const placed = own.data?.placed ?? false;
  const hasQuote = spot.end > spot.start;
  const body = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const mark = body.current?.querySelector('mark');
    if (at === null && mark) mark.scrollIntoView({ block: 'center' });
    else body.current?.scrollTo({ top: 0 });
  }, [at, data, picture]);

  if (!own.data) {
    return own.error ? (
      <div className="p-4">
        <ProblemNotice problem={asProblem(own.error)} />
      </div>
    ) : (
      <Loading />
    );
  }
  const reading = own.data;
  const shown = data ?? reading;
  const isPdf = reading.media_type === 'application/pdf' && reading.pages !== null;

  return (
    <article aria-label={`Reader: ${reading.title}`} className="flex min-h-0 flex-1 flex-col">
      <div className="shrink-0 border-b border-border px-4 py-2.5">
        <div className="flex items-start justify-between gap-2">
          <div className="min-w-0">
            <h3 className="truncate font-serif text-[15px] font-semibold" title={reading.title}>
              {reading.title}
            </h3>
            <p className="text-xs text-muted">
              {reading.page !== null && `p. ${reading.page}`}
              {reading.pages !== null && ` of ${reading.pages}`}
              {reading.page !== null && ' · '}version {reading.number}
            </p>
          </div>
          <div className="flex shrink-0 items-center">
            {isPdf && (
              <div role="group" aria-label="Show as" className="mr-1 flex">
                <Button
                  small
                  look="quiet"
                  aria-pressed={picture === null}
                  className={classes(picture === null && '!bg-surface-2 !text-text')}
                  onClick={() => setPicture(null)}
                >
                  Text
                </Button>
                <Button
                  small
                  look="quiet"
                  aria-pressed={picture !== null}
                  className={classes(picture !== null && '!bg-surface-2 !text-text')}
                  onClick={() => setPicture(reading.page ?? 1)}
                >
                  Page
                </Button>
              </div>
            )}
            {hasQuote && placed && (
              <IconButton
                label="Copy quote with reference"
                onClick={() => {
                  const page = reading.page === null ? '' : `, p. ${reading.page}`;
                  void navigator.clipboard
                    .writeText(`“${reading.quote}” (${reading.title}${page})`)
                    .then(() => announce('Quote copied with its reference.'));
                }}
              >
                <Copy aria-hidden />
              </IconButton>
            )}
            <a
              href={`${base}/file`}
              download
              aria-label="Download the original"
              title="Download the original"
              className="inline-flex size-7.5 items-center justify-center rounded-md text-muted hover:bg-surface-2 hover:text-text"
            >
              <Download size={16} aria-hidden />
            </a>
          </div>
        </div>
        {!reading.current && <Newer source={spot.source} />}
        {hasQuote && !placed && (
          <div className="mt-2">
            <Notice tone="warn" title="The quote could not be placed">
              It is not found at this place in the stored text, so nothing is highlighted.
            </Notice>
          </div>
        )}
        {hasQuote && <Why hit={hit} answer={answer} spot={spot} />}
      </div>

      <div
        ref={body}
        role="region"
        aria-label="Text of the source"
        tabIndex={0}
        className="min-h-0 flex-1 overflow-auto -outline-offset-2"
        data-testid="reader"
      >
        {picture === null ? (
          <Text reading={shown} spot={spot} marked={placed} />
        ) : (
          <PagePicture base={base} page={picture} spot={placed ? spot : null} />
        )}
      </div>

      <CiteBar root={body} spot={spot} cited={cited} space={space} run={run} found={hit !== null}>
        {picture === null ? (
          <Leaf
            what="part"
            before={shown.window.start > 0 ? () => setAt(shown.window.start) : null}
            after={shown.window.end < shown.window.total ? () => setAt(shown.window.end) : null}
            back={at === null ? null : () => setAt(null)}
          />
        ) : (
          <Leaf
            what={`page ${picture} of ${reading.pages ?? '?'}`}
            before={picture > 1 ? () => setPicture(picture - 1) : null}
            after={picture < (reading.pages ?? picture) ? () => setPicture(picture + 1) : null}
            back={
              reading.page === null || picture === reading.page
                ? null
                : () => setPicture(reading.page)
            }
          />
        )}
      </CiteBar>
    </article>
  );
}

function Newer({ source }: { source: string }) {
  const { data } = useResource<VersionRow[]>(`/api/sources/${source}/versions`);
  const newest = data?.find((version) => version.current);
  return (
    <div className="mt-2">
      <Notice
        tone="warn"
        title="A newer version of this source exists"
        action={
          newest && (
            <Button
              small
              onClick={() => select({ kind: 'at', source, version: newest.hash, start: 0, end: 0 })}
            >
              Open version {newest.number}
            </Button>
          )
        }
      >
        {newest
          ? `Version ${newest.number}, added ${when(newest.created_at)}. The quote below stands in the older one.`
          : 'The quote below stands in the older one.'}
      </Notice>
    </div>
  );
}

function Leaf(props: {
  what: string;
  before: (() => void) | null;
  after: (() => void) | null;
  back: (() => void) | null;
}) {
  return (
    <div className="flex items-center gap-1 text-xs text-muted">
      <IconButton
        label={`Previous ${props.what.split(' ')[0] ?? ''}`}
        disabled={!props.before}
        onClick={props.before ?? undefined}
      >
        <ChevronLeft aria-hidden />
      </IconButton>
      {props.what !== 'part' && <span className="tabular-nums">{props.what}</span>}
      <IconButton
        label={`Next ${props.what.split(' ')[0] ?? ''}`}
        disabled={!props.after}
        onClick={props.after ?? undefined}
      >
        <ChevronRight aria-hidden />
      </IconButton>
      {props.back && (
        <Button small look="quiet" onClick={props.back}>
          Back to the quote
        </Button>
      )}
    </div>
  );
}

const KINDS: Record<Segment['kind'], string> = {
  heading: 'mt-5 mb-1.5 font-sans text-[14px] font-semibold',
  paragraph: 'my-2',
  list_item: 'my-1 ml-5 list-item list-disc',
  table_row:
    'border-b border-border py-1 font-sans text-[12.5px] [tab-size:12] tabular-nums whitespace-pre-wrap',
  code: 'my-1 rounded-sm bg-surface-2 px-2 py-1 font-mono text-[12px] whitespace-pre-wrap',
};

/** How deep each heading is under the reader's own; a part of a text may begin at any of its levels. */
function headingLevels(segments: readonly Segment[]): Map<Segment, number> {
  const levels = new Map<Segment, number>();
  const above: number[] = [];
  for (const segment of segments) {
    if (segment.kind !== 'heading') continue;
    const own = segment.heading ?? 1;
    while ((above.at(-1) ?? 0) >= own) above.pop();
    above.push(own);
    levels.set(segment, Math.min(6, 3 + above.length));
  }
  return levels;
}

function Text({ reading, spot, marked }: { reading: Reading; spot: Spot; marked: boolean }) {
  const { segments } = reading;
  const levels = headingLevels(segments);
  return (
    <div className="px-5 py-4 font-serif text-[15px] leading-relaxed [overflow-wrap:anywhere]">
      {segments.map((segment, index) => {
        const turned = segment.page !== null && segment.page !== segments[index - 1]?.page;
        const cut = marked
          ? pieces(segment.text, segment.start, spot.start, spot.end)
          : pieces(segment.text, segment.start, 0, 0);
        return (
          <div key={segment.start}>
            {turned && (
              <p className="mt-4 mb-2 flex items-center gap-2 font-sans text-[11px] text-muted select-none">
                <span className="h-px flex-1 bg-border" />
                page {segment.page}
                <span className="h-px flex-1 bg-border" />
              </p>
            )}
            <p
              className={KINDS[segment.kind]}
              {...(segment.kind === 'heading'
                ? { role: 'heading', 'aria-level': levels.get(segment) }
                : {})}
            >
              {cut.map((piece) =>
                piece.marked ? (
                  <mark key={piece.start} data-start={piece.start}>
                    {piece.text}
                  </mark>
                ) : (
                  <span key={piece.start} data-start={piece.start}>
                    {piece.text}
                  </span>
                ),
              )}
            </p>
          </div>
        );
      })}
    </div>
  );
}

function PagePicture({ base, page, spot }: { base: string; page: number; spot: Spot | null }) {
  const range = spot ? `?start=${spot.start}&end=${spot.end}` : '';
  const { data } = useResource<PageBoxes>(`${base}/pages/${page}${range}`);
  const [failed, setFailed] = useState(false);
  const first = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Newer browsers return a promise from it, which React would call as the effect's clean-up.
    first.current?.scrollIntoView({ block: 'center' });
  }, [data]);
  if (failed) {
    return (
      <div className="p-4">
        <Notice tone="warn" title="This page cannot be drawn">
          Read it as text, or download the original.
        </Notice>
      </div>
    );
  }
  return (
    <div className="relative m-3 bg-white shadow-pop" data-testid="page">
      <img
        src={`${base}/pages/${page}.png?scale=2`}
        alt={`Page ${page} as it looks`}
        className="block w-full"
        onError={() => setFailed(true)}
        style={data ? { aspectRatio: `${data.width} / ${data.height}` } : undefined}
      />
      {/* Boxes are shares of the page, so they fit it at any size. */}
      {data?.boxes.map((box, index) => (
        <div
          key={`${box.x}:${box.y}:${box.w}`}
          ref={index === 0 ? first : undefined}
          aria-hidden
          className="absolute rounded-xs bg-[#ffd23e] opacity-45 mix-blend-multiply"
          style={{
            left: `${box.x * 100}%`,
            top: `${box.y * 100}%`,
            width: `${box.w * 100}%`,
            height: `${box.h * 100}%`,
          }}
        />
      ))}
    </div>
  );
}

/** Each leg's rank and its part of the score: the bars add up to the score. */
function Why({ hit, answer, spot }: { hit: Hit | null; answer: string | null; spot: Spot }) {
  // A citation made earlier brings its answer with it, and that knows how it was found.
  const stored = useResource<StoredAnswer>(!hit && answer ? `/api/answers/${answer}` : null);
  const found = hit ?? hitAt(stored.data?.hits ?? [], spot);
  if (!found) return null;
  const others = found.elsewhere.filter((place) => !overlaps(place, spot));
  return (
    <div className="mt-1.5">
      <Disclosure
        summary={
          <>
            Why this passage:{' '}
            {found.contributions
              .flatMap(({ leg, rank, part }) => (part > 0 ? [] : [`${leg} #${rank}`]))
              .join(' · ')}
          </>
        }
      >
        {!overlaps(found.passage, spot) && (
          <p className="mb-1 text-xs text-muted">
            Found as {placeName(found.passage)}, which says the same.
          </p>
        )}
        <table className="w-full text-xs">
          <caption className="sr-only">Contributions to the score</caption>
          <tbody>
            {shares(found).map(({ leg, part, rank, amount, share }) => (
              <tr key={`${leg} ${part}`}>
                <th scope="row" className="py-0.5 pr-2 text-left font-medium whitespace-nowrap">
                  {legName(leg, part)}
                </th>
                <td className="pr-2 text-muted whitespace-nowrap">rank {rank}</td>
                <td className="w-full pr-2">
                  <div className="h-1.5 rounded-full bg-surface-2">
                    <div
                      className="h-full rounded-full bg-accent"
                      style={{ width: `${share * 100}%` }}
                    />
                  </div>
                </td>
                <td className="text-right tabular-nums">{amount.toFixed(4)}</td>
              </tr>
            ))}
            <tr className="border-t border-border">
              <th scope="row" colSpan={3} className="py-0.5 text-left font-medium">
                score
              </th>
              <td className="text-right font-medium tabular-nums">{found.score.toFixed(4)}</td>
            </tr>
          </tbody>
        </table>
        {found.reranked && (
          <p className="mt-1 text-xs text-muted">
            was #{found.reranked.before} before the best were read again, which gave it{' '}
            {found.reranked.score.toFixed(3)}
          </p>
        )}
        <AlsoIn places={others} />
        {found.matched.length > 0 && (
          <p className="mt-1 text-xs text-muted">
            matched:{' '}
            {found.matched.map((term) => (
              <span key={term} className="mr-1 rounded-sm bg-surface-2 px-1 text-text">
                {term}
              </span>
            ))}
          </p>
        )}
        {found.paths.length > 0 && (
          <ul
            aria-label="Paths of the graph"
            className="mt-1 flex flex-col gap-1 text-xs text-muted"
          >
            {/* Two ways over the same names read alike. */}
            {[...new Set(found.paths)].map((path) => (
              <li key={path}>{path}</li>
            ))}
          </ul>
        )}
      </Disclosure>
    </div>
  );
}

interface CiteBarProps {
  root: React.RefObject<HTMLDivElement | null>;
  spot: Spot;
  cited: string | null;
  space: string;
  run: Run | null;
  /** Whether the place is among what the answer was made of. */
  found: boolean;
  children: ReactNode;
}

/** Leafing, and citing, or asking after, what is selected or what is highlighted. */
function CiteBar({ root, spot, cited, space, run, found, children }: CiteBarProps) {
  const port = useBriefPort();
  const [range, setRange] = useState<[number, number] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState<{ run: Run; spot: Spot } | null>(null);
  const read = useCallback(() => {
    if (root.current) setRange(selectedRange(root.current, document.getSelection()));
  }, [root]);
  useEffect(() => {
    document.addEventListener('selectionchange', read);
    return () => document.removeEventListener('selectionchange', read);
  }, [read]);

  const [start, end] = range ?? [spot.start, spot.end];
  const length = end - start;
  const reason =
    length === 0
      ? 'Select text to cite it'
      : length > MAX_QUOTE
        ? `${length} characters selected; a quote may have ${MAX_QUOTE}`
        : !port
          ? 'Open a brief you may edit to cite into it'
          : null;

  const insert = async () => {
    if (!port) return;
    setBusy(true);
    setProblem(null);
    try {
      const id = !range && cited ? cited : (await cite({ ...spot, start, end })).id;
      port.insertCitation(id);
      announce('Citation inserted into the brief.');
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <div className="flex shrink-0 flex-col gap-2 border-t border-border px-3 py-1.5">
      {problem && <ProblemNotice problem={problem} />}
      {asked && (
        <WhyNot
          key={`${asked.run.question} ${asked.spot.start}-${asked.spot.end}`}
          space={space}
          run={asked.run}
          spot={asked.spot}
          onClose={() => setAsked(null)}
        />
      )}
      <div className="flex flex-wrap items-center justify-end gap-x-2 gap-y-1">
        <div className="mr-auto">{children}</div>
        {run?.trace && length > 0 && (range || !found) && (
          <Button
            small
            look="quiet"
            title={`Why “${run.question}” did not find this`}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => setAsked({ run, spot: { ...spot, start, end } })}
          >
            Why not found?
          </Button>
        )}
        <Button
          small
          look={range ? 'primary' : 'plain'}
          disabled={reason !== null || busy}
          title={reason ?? undefined}
          // Keeps the selection while the button is pressed.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => void insert()}
        >
          <Quote size={13} aria-hidden /> {range ? 'Cite selection' : 'Cite this'}
        </Button>
      </div>
    </div>
  );
}
