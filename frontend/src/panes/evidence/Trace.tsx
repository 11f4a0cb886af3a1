import { correctionsSaid, legFailed, legName, legSentence, type Run } from '../../answers';
import { classes } from '../../ui/classes';
import type { Trace as TraceData } from '../../api';
import { Disclosure } from '../../ui/Disclosure';
import { count, duration, money, percent } from '../../ui/words';

/** "How this was found": what each leg did, how long the stages took, what it cost. */
export function Trace({ run }: { run: Run }) {
  const { trace, scope, usage } = run;
  if (!trace) return null;
  const stages = Object.entries({ ...trace.stages, ...run.timings });
  return (
    <Disclosure summary="How this was found">
      {trace.understood && <Understood understood={trace.understood} />}
      <ul className="flex flex-col gap-1">
        {trace.legs.map((leg) => (
          <li key={leg.leg} className={classes(legFailed(leg) && 'text-bad')}>
            <span className="font-medium">{legName(leg.leg)}</span>{' '}
            <span className={legFailed(leg) ? '' : 'text-muted'}>{legSentence(leg)}</span>
          </li>
        ))}
      </ul>
      <p className="mt-1.5 text-muted">
        Fused by {trace.fusion}; {count(run.hits.length, 'passage')} read
        {scope && ` of ${count(scope.passages, 'passage')} in ${count(scope.sources, 'source')}`}.
      </p>
      {trace.rerank && <Reranked rerank={trace.rerank} />}
      {stages.length > 0 && (
        <p className="mt-1.5 text-muted">
          {stages
            .map(([name, ms]) => `${name.replaceAll('_', ' ')} ${duration(ms / 1000)}`)
            .join(' · ')}
        </p>
      )}
      {usage && (
        <p className="mt-1.5 text-muted">
          {usage.model}: {count(usage.prompt_tokens, 'token')} in,{' '}
          {count(usage.completion_tokens, 'token')} out
          {usage.cost_usd !== null && `, ${money(usage.cost_usd)}`}
        </p>
      )}
    </Disclosure>
  );
}

/** Whether the best passages were looked at again, and what that cost. */
function Reranked({ rerank }: { rerank: NonNullable<TraceData['rerank']> }) {
  const { state, margin, threshold, passages, milliseconds, error } = rerank;
  const failed = state === 'failed' || state === 'late';
  const ahead = `the best was ${percent(margin)} ahead`;
  const said = failed
    ? `Not reranked: ${error ?? state}`
    : state === 'ran'
      ? `Reranked ${count(passages, 'passage')} in ${duration(milliseconds / 1000)}, since ${ahead}.`
      : `Not reranked: ${ahead}, and ${percent(threshold)} is enough.`;
  return <p className={classes('mt-1.5', failed ? 'text-bad' : 'text-muted')}>{said}</p>;
}

/** What was read in the question beside its words; nothing where it was asked as it stands. */
function Understood({ understood }: { understood: NonNullable<TraceData['understood']> }) {
  const { phrases, preferred, filters, parts, note, corrections, unchecked } = understood;
  const said = [
    ...phrases.map((phrase) => `every passage holds “${phrase}”`),
    ...preferred.map((phrase) => `passages that hold “${phrase}” rank higher`),
    ...(filters.length > 0 ? [`only in sources that fit ${filters.join(' ')}`] : []),
    ...(parts.length > 0 ? [`also asked by itself: ${parts.join(' · ')}`] : []),
    ...(corrections.length > 0 ? [correctionsSaid(corrections)] : []),
    ...(unchecked ? [`spelling was not looked at: ${unchecked}`] : []),
    ...(note ? [note] : []),
  ];
  if (said.length === 0) return null;
  return (
    <ul className="mb-1.5 flex flex-col gap-1" aria-label="How the question was read">
      {said.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
