import type { BriefDifference, BriefVersion, DifferenceRow } from '../api';
import { clock, when } from '../ui/words';

const DAY = new Intl.DateTimeFormat('en', { weekday: 'long', day: 'numeric', month: 'long' });
const YEAR = new Intl.DateTimeFormat('en', { dateStyle: 'long' });

/** "Today", "Yesterday", "Monday, 2 March", and the year where it is another. */
export function dayOf(iso: string, now: Date): string {
  const at = new Date(iso);
  const midnight = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
  const days = Math.round((midnight(now).getTime() - midnight(at).getTime()) / 86_400_000);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return (at.getFullYear() === now.getFullYear() ? DAY : YEAR).format(at);
}

/** The versions by day, in the order they come. */
export function byDay(
  versions: readonly BriefVersion[],
  now: Date,
): { day: string; versions: BriefVersion[] }[] {
  const days: { day: string; versions: BriefVersion[] }[] = [];
  for (const version of versions) {
    const day = dayOf(version.at, now);
    const last = days.at(-1);
    if (last?.day === day) last.versions.push(version);
    else days.push({ day, versions: [version] });
  }
  return days;
}

/** "Ann, Bo"; a person who says no name is told by the one they sign in with. */
export function editorsOf({ editors }: BriefVersion): string {
  return [...new Set(editors.map(({ name, subject }) => name || subject))].join(', ');
}

/** What a version is called: its name, what it restored, or its time. */
export function titleOf(version: BriefVersion, all: readonly BriefVersion[]): string {
  if (version.name) return version.name;
  if (version.restored === null) return clock(version.at);
  const source = all.find(({ number }) => number === version.restored);
  if (!source) return `Restored version ${version.restored}`;
  return `Restored ${source.name ? `“${source.name}”` : `version of ${momentOf(source, version)}`}`;
}

/** The time where two versions are of one day, the date as well where they are not. */
function momentOf(version: BriefVersion, beside: BriefVersion): string {
  const sameDay = new Date(version.at).toDateString() === new Date(beside.at).toDateString();
  return sameDay ? clock(version.at) : when(version.at);
}

/** What changed, in words, also where there are none. */
export function changeOf(version: BriefVersion): string {
  return version.summary || (version.number === 1 ? 'The brief as it began' : 'Small changes');
}

/** The words of a row as they stand in the later state. */
export function wordsOf(row: DifferenceRow): string {
  return row.runs
    .filter(({ how }) => how !== 'deleted')
    .map(({ text }) => text)
    .join('');
}

/** A state as plain text, to be copied. */
export function plainText(difference: BriefDifference): string {
  const title = difference.title
    .filter(({ how }) => how !== 'deleted')
    .map(({ text }) => text)
    .join('');
  const rows = difference.rows.filter(({ change }) => change !== 'removed').map(wordsOf);
  return [title, ...rows].join('\n\n').trim();
}
