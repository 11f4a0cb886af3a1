import type {
  AnswerEvent,
  AnswerNotice,
  AnswerScope,
  Evidence,
  Hit,
  Problem,
  Trace,
  Usage,
} from '../api';

export interface Chip {
  evidence: Evidence;
  passage: string;
}

export interface Sentence {
  text: string;
  /** Only what was found in stored text; nothing stands here on a model's word. */
  chips: Chip[];
}

export type Phase = 'searching' | 'reading' | 'finished' | 'declined' | 'failed' | 'cancelled';

export interface Run {
  phase: Phase;
  question: string;
  /** What it was asked of; null for all sources of the space. */
  sources: readonly string[] | null;
  answer: string | null;
  model: string | null;
  kind: 'extractive' | 'llm' | null;
  scope: AnswerScope | null;
  hits: Hit[];
  trace: Trace | null;
  /** What a model has written since its last whole sentence; not yet checked. */
  draft: string;
  sentences: Sentence[];
  /** Indexes of sentences for which no citation survived the check; known when finished. */
  uncited: number[];
  notices: AnswerNotice[];
  usage: Usage | null;
  timings: Record<string, number>;
  declined: { reason: string; legs: string[]; sources: number; passages: number } | null;
  nearest: Hit[];
  problem: Problem | null;
}

export function newRun(question: string, sources: readonly string[] | null = null): Run {
  return {
    phase: 'searching',
    question,
    sources,
    answer: null,
    model: null,
    kind: null,
    scope: null,
    hits: [],
    trace: null,
    draft: '',
    sentences: [],
    uncited: [],
    notices: [],
    usage: null,
    timings: {},
    declined: null,
    nearest: [],
    problem: null,
  };
}

export function isOver(run: Run): boolean {
  return run.phase !== 'searching' && run.phase !== 'reading';
}

/** Folds one event into a run. An ended run does not change any more, whatever still arrives. */
export function fold(run: Run, event: AnswerEvent): Run {
  if (isOver(run)) return run;
  switch (event.type) {
    case 'started':
      return {
        ...run,
        answer: event.answer,
        question: event.question,
        model: event.model,
        kind: event.kind,
        scope: event.scope,
      };
    case 'retrieved':
      return { ...run, phase: 'reading', hits: event.hits, trace: event.trace };
    case 'notice': {
      const { code, message, sentences } = event;
      // A fallback starts over: all that the first model was saying is void.
      const over = code === 'fell_back' ? { draft: '', sentences: [] } : {};
      return { ...run, ...over, notices: [...run.notices, { code, message, sentences }] };
    }
    case 'token':
      return { ...run, draft: run.draft + event.text };
    case 'sentence': {
      const sentences = [...run.sentences];
      const old = sentences[event.index];
      sentences[event.index] = { text: event.text, chips: old?.chips ?? [] };
      return { ...run, draft: afterSentence(run.draft, event.text), sentences: dense(sentences) };
    }
    case 'cited': {
      const sentence = run.sentences[event.index];
      if (!sentence) return run;
      if (sentence.chips.some((chip) => chip.evidence.id === event.evidence.id)) return run;
      const sentences = [...run.sentences];
      sentences[event.index] = {
        ...sentence,
        chips: [...sentence.chips, { evidence: event.evidence, passage: event.passage }],
      };
      return { ...run, sentences };
    }
    case 'finished':
      return {
        ...run,
        phase: 'finished',
        answer: event.answer,
        draft: '',
        uncited: event.uncited,
        usage: event.usage,
        timings: event.timings,
      };
    case 'declined': {
      const { legs, sources, passages } = event.searched;
      return {
        ...run,
        phase: 'declined',
        answer: event.answer,
        draft: '',
        // What was said before it turned out not to hold is not said any more.
        sentences: [],
        declined: {
          reason: event.reason,
          legs,
          sources,
          passages,
        },
        nearest: event.nearest,
      };
    }
    case 'failed':
      return { ...run, phase: 'failed', draft: '', problem: event.error };
  }
}

/** The person stopped it: what was already checked stays. */
export function cancelled(run: Run): Run {
  return isOver(run) ? run : { ...run, phase: 'cancelled', draft: '' };
}

/** The stream ended without a last word, or the way to the server was lost. */
export function broken(run: Run, problem: Problem): Run {
  return isOver(run) ? run : { ...run, phase: 'failed', draft: '', problem };
}

/** Numbers for chips within the answer, by first appearance. */
export function chipNumbers(run: Run): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const sentence of run.sentences) {
    for (const { evidence } of sentence.chips) {
      if (!numbers.has(evidence.id)) numbers.set(evidence.id, numbers.size + 1);
    }
  }
  return numbers;
}

/** The answer as plain text with numbered references under it. */
export function asText(run: Run): string {
  const numbers = chipNumbers(run);
  const body = run.sentences
    .map(({ text, chips }) => {
      const marks = chips.map(({ evidence }) => `[${numbers.get(evidence.id) ?? 0}]`).join('');
      return marks ? `${text} ${marks}` : text;
    })
    .join(' ');
  const evidence = new Map(
    run.sentences.flatMap(({ chips }) => chips.map((chip) => [chip.evidence.id, chip.evidence])),
  );
  const references = [...numbers].map(([id, n]) => {
    const found = evidence.get(id);
    return found ? `[${n}] ${reference(found)}` : '';
  });
  return references.length > 0 ? `${body}\n\n${references.join('\n')}` : body;
}

/** "report.pdf, p. 14: “…”". */
export function reference(evidence: Evidence): string {
  const page = evidence.page === null ? '' : `, p. ${evidence.page}`;
  return `${evidence.source_title}${page}: “${evidence.quote}”`;
}

function dense(sentences: (Sentence | undefined)[]): Sentence[] {
  return Array.from(sentences, (sentence) => sentence ?? { text: '', chips: [] });
}

const MARKS = /^\s*(?:\[\d+(?:\s*,\s*\d+)*\]\s*)+/;

/**
 * What remains of the live draft once `sentence` is whole. The draft still carries its [n] marks
 * and its own spacing; when the sentence cannot be found in it the draft is dropped, because
 * showing a sentence twice is worse than showing its successor a moment later.
 */
export function afterSentence(draft: string, sentence: string): string {
  let at = 0;
  for (const word of sentence.split(/\s+/).filter(Boolean)) {
    for (const char of word) {
      for (;;) {
        const skip = MARKS.exec(draft.slice(at))?.[0] ?? /^\s+/.exec(draft.slice(at))?.[0];
        if (!skip || draft.startsWith(char, at)) break;
        at += skip.length;
      }
      if (!draft.startsWith(char, at)) return '';
      at += char.length;
    }
  }
  const rest = draft.slice(at);
  return rest.replace(MARKS, '').trimStart();
}
