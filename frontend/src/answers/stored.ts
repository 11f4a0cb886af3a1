import type { Evidence, StoredAnswer } from '../api';
import { newRun, type Phase, type Run } from './reducer';

const PHASES: Record<string, Phase> = {
  finished: 'finished',
  declined: 'declined',
  failed: 'failed',
  cancelled: 'cancelled',
};

/** A stored answer as the pane shows it. A chip whose evidence is gone is left out. */
export function fromStored(stored: StoredAnswer, evidence: ReadonlyMap<string, Evidence>): Run {
  const legs = stored.trace?.legs.map((leg) => leg.leg) ?? [];
  return {
    ...newRun(stored.question, stored.sources),
    // A run the server never ended was cut off by a restart.
    phase: PHASES[stored.state] ?? 'cancelled',
    answer: stored.id,
    model: stored.model,
    kind: stored.kind,
    hits: stored.hits,
    trace: stored.trace,
    sentences: stored.sentences.map(({ text, evidence: ids, passages }) => ({
      text,
      chips: ids.flatMap((id, index) => {
        const found = evidence.get(id);
        return found ? [{ evidence: found, passage: passages[index] ?? '' }] : [];
      }),
    })),
    uncited: stored.uncited,
    notices: stored.notices,
    usage: stored.usage,
    timings: stored.timings,
    declined:
      stored.state === 'declined'
        ? { reason: stored.reason ?? '', legs, sources: 0, passages: 0 }
        : null,
    nearest: stored.state === 'declined' ? stored.hits : [],
    problem: stored.error && {
      code: stored.error.code ?? 'failed',
      message: stored.error.message ?? 'The answer failed.',
      remedy: stored.error.remedy ?? null,
    },
  };
}
