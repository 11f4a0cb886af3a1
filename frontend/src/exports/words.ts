import { clock, count, duration, number } from '../ui/words';
import type {
  Counts,
  ItemChange,
  Op,
  Outcome,
  Run,
  Standing,
  StepOutcome,
  Target,
  TargetKind,
  Way,
} from './types';

/** The key of what stands for the whole brief. */
export const OVERVIEW = 'overview';

export const KIND_NAMES: Record<TargetKind, string> = {
  folder: 'Folder',
  notion: 'Notion',
  jira: 'Jira',
  trello: 'Trello',
};

/** The counts in the order a person wants to hear them; what stays as it is comes last. */
const COUNTED: readonly (readonly [keyof Counts, string])[] = [
  ['create', 'create'],
  ['update', 'update'],
  ['archive', 'archive'],
  ['conflict', 'conflict'],
  ['drift', 'changed over there'],
];

/** "1 create · 3 update · 1 conflict"; "nothing to send" where that is so. */
export function countsInWords(counts: Counts): string {
  const said = COUNTED.filter(([name]) => counts[name] > 0).map(
    ([name, word]) => `${counts[name]} ${word}`,
  );
  if (counts.astray > 0) said.push(astrayInWords(counts.astray));
  if (said.length > 0) return said.join(' · ');
  return counts.keep > 0 ? `nothing to send, ${counts.keep} unchanged` : 'nothing to send';
}

/** How many objects an export would make, change or take away. */
export function changesOf({ create, update, archive }: Counts): number {
  return create + update + archive;
}

/** What waits for a person in a target: what changed over there, collided, or went astray. */
export function needsOf({ drift }: Target): number {
  return drift.drift + drift.conflicts + drift.astray;
}

export type Tone = 'ok' | 'warn' | 'bad' | 'info';

export interface Said {
  tone: Tone;
  text: string;
}

const UNDER_WAY: ReadonlySet<Run['state']> = new Set([
  'planned',
  'running',
  'reconciling',
  'waiting',
]);

/** Whether a run may still send something by itself. */
export function isUnderWay(run: Run | null): boolean {
  return run !== null && UNDER_WAY.has(run.state);
}

/** How far a run is. */
export function runInWords(run: Run): Said {
  if (run.stopping) return { tone: 'info', text: 'Ends before its next call' };
  const sent = `${run.done} of ${run.total} sent`;
  const at = run.wait_until ? ` at ${clock(run.wait_until)}` : '';
  switch (run.state) {
    case 'planned':
      return { tone: 'info', text: 'About to begin' };
    case 'running':
      return { tone: 'info', text: sent };
    case 'reconciling':
      return {
        tone: 'warn',
        text: `${sent}. Reconciling: no answer came to a call, so we look for it again${at} and send nothing before we know.`,
      };
    case 'waiting': {
      // Else nobody answered.
      const asked = run.outcomes.some(({ outcome }) => outcome === 'throttled');
      const why = asked ? 'Asked to wait' : 'Waiting';
      return { tone: 'info', text: `${sent}. ${why}: it goes on${at}.` };
    }
    case 'cancelled':
      return { tone: 'warn', text: `Cancelled after ${run.done} of ${run.total}` };
    case 'failed':
      return { tone: 'bad', text: `Stopped after ${run.done} of ${run.total}` };
    case 'done': {
      const left = run.outcomes.filter(({ outcome }) => outcome !== 'done').length;
      return left > 0
        ? { tone: 'warn', text: `${sent}; ${left} ${left === 1 ? 'needs' : 'need'} you` }
        : { tone: 'ok', text: `All ${run.total} sent` };
    }
  }
}

/** How a target stands, the most pressing first. */
export function stateOf(target: Target): Said[] {
  const { run, changes, drift } = target;
  if (target.reconnect)
    return [{ tone: 'bad', text: 'Needs you: the connection is no longer good' }];
  if (run && isUnderWay(run)) return [runInWords(run)];
  const said: Said[] = [];
  if (target.trouble)
    said.push({ tone: 'warn', text: `Not looked over there: ${target.trouble.message}` });
  if (run?.state === 'failed' || run?.state === 'cancelled') said.push(runInWords(run));
  if (drift.conflicts > 0)
    said.push({ tone: 'bad', text: `${count(drift.conflicts, 'conflict')} to decide` });
  if (drift.astray > 0) said.push({ tone: 'bad', text: astrayInWords(drift.astray) });
  if (drift.drift > 0)
    said.push({ tone: 'warn', text: `${count(drift.drift, 'change')} over there` });
  if (target.exported_at === null && run === null)
    return [{ tone: 'info', text: 'Never exported' }];
  if (changes !== null && changes > 0)
    said.push({ tone: 'info', text: `${count(changes, 'change')} here` });
  if (said.length === 0)
    said.push(
      changes === null
        ? { tone: 'info', text: 'Not compared since' }
        : { tone: 'ok', text: 'Up to date' },
    );
  return said;
}

/** "1 not where we left it". */
export function astrayInWords(n: number): string {
  return `${n} not where we left ${n === 1 ? 'it' : 'them'}`;
}

export const CHANGES: Record<ItemChange, string> = {
  create: 'New',
  update: 'Changed',
  archive: 'Taken away',
  keep: 'Unchanged',
  conflict: 'Conflict',
  drift: 'Changed over there',
  astray: 'Not where we left it',
};

export const OPS: Record<Op, string> = {
  create: 'Create',
  update: 'Update',
  archive: 'Archive',
  restore: 'Restore',
};

export const OUTCOMES: Record<StepOutcome, string> = {
  done: 'Done',
  refused: 'Needs you',
  drifted: 'Changed over there meanwhile: not sent',
  waiting: 'Waits for another',
  reconciling: 'Reconciling',
  pending: 'Not sent yet',
  throttled: 'Asked to wait',
};

/** "Asked to wait, again at 10:42". */
export function outcomeInWords({ outcome, retry_at }: Outcome): string {
  return retry_at ? `${OUTCOMES[outcome]}, again at ${clock(retry_at)}` : OUTCOMES[outcome];
}

/** What a call was about: "Hire a lead", and the first of many. */
export function titlesInWords({ titles }: Outcome): string {
  const [first = '', ...others] = titles.filter((title) => title !== '');
  return others.length > 0 ? `${first} and ${number(others.length)} more` : first;
}

/** How long an export will take; what is shorter than a second is not counted. */
export function timeInWords(seconds: number): string {
  if (seconds < 1) return 'less than a second';
  return `about ${seconds < 90 ? count(Math.round(seconds), 'second') : duration(seconds)}`;
}

/** How an object stands that is not where we left it. */
export function standingInWords(standing: Standing, where: string): string {
  const place = where ? `: ${where}` : '';
  return {
    live: 'In its place',
    archived: `Archived over there${place}`,
    moved: `Moved over there${place}`,
    gone: 'Deleted over there',
    forbidden: 'Our token may no longer see it',
  }[standing];
}

/** A way out for an object gone astray, and what it means. */
export function wayInWords(way: Way, standing: Standing): { name: string; means: string } {
  return {
    restore:
      standing === 'moved'
        ? { name: 'Move it back', means: 'It goes back to where it was.' }
        : { name: 'Take it out of the archive', means: 'It is live again, and kept up to date.' },
    recreate: { name: 'Make another', means: 'The old one is left alone.' },
    release: { name: 'Leave it alone', means: 'It is no longer ours, and not made again.' },
  }[way];
}

/** What two texts have not in common, word by word: one stretch, with what stands around it. */
export function stretch(
  before: string,
  after: string,
): { head: string; was: string; is: string; tail: string } {
  const a = before.split(/(\s+)/);
  const b = after.split(/(\s+)/);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (
    tail < a.length - head &&
    tail < b.length - head &&
    a[a.length - 1 - tail] === b[b.length - 1 - tail]
  )
    tail += 1;
  return {
    head: a.slice(0, head).join(''),
    was: a.slice(head, a.length - tail).join(''),
    is: b.slice(head, b.length - tail).join(''),
    tail: a.slice(a.length - tail).join(''),
  };
}
