import type { Trace } from '../api';

export type Correction = NonNullable<Trace['understood']>['corrections'][number];

const QUOTED_OR_WORD = /"[^"\n]*"|“[^“”\n]*”|„[^„“”\n]*[“”]|«[^«»\n]*»|\p{L}+/gu;

/** The question with what was corrected in quotes, which are searched for as they stand. */
export function asWritten(question: string, corrections: readonly Correction[]): string {
  const written = new Set(corrections.map((one) => one.written));
  return question.replace(QUOTED_OR_WORD, (part) => (written.has(part) ? `"${part}"` : part));
}

const OR = new Intl.ListFormat('en', { type: 'disjunction' });
const AND = new Intl.ListFormat('en');

/** What was searched for beside what was written, and why. */
export function correctionsSaid(corrections: readonly Correction[]): string {
  const written = OR.format(corrections.map((one) => `“${one.written}”`));
  const searched = AND.format(corrections.map((one) => `“${one.searched}”`));
  const were = corrections.length > 1 ? 'were' : 'was';
  return `No passage holds ${written}; ${searched} ${were} searched for, too.`;
}
