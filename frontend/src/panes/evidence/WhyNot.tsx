import { X } from 'lucide-react';
import { useEffect, useState } from 'react';

import { legName, type Run } from '../../answers';
import { asProblem, get, type Problem, type WhyNot as Told } from '../../api';
import { announce } from '../../desk';
import type { Spot } from '../../sources';
import { IconButton } from '../../ui/Button';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { number } from '../../ui/words';
import { placeName } from './Hits';

interface WhyNotProps {
  space: string;
  run: Run;
  spot: Spot;
  onClose: () => void;
}

/** Why the search of a question does not show what stands at a place: in words, and by each leg. */
export function WhyNot({ space, run, spot, onClose }: WhyNotProps) {
  const [told, setTold] = useState<Told | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const path = address(space, run, spot);
  useEffect(() => {
    const abort = new AbortController();
    get<Told>(path, abort.signal)
      .then(setTold)
      .catch((error: unknown) => {
        if (!abort.signal.aborted) setProblem(asProblem(error));
      });
    return () => abort.abort();
  }, [path]);
  const message = told && inWords(told, run);
  useEffect(() => {
    if (message) announce(message);
  }, [message]);
  return (
    <section
      aria-label="Why this was not found"
      className="max-h-60 overflow-auto rounded-md bg-surface-2 py-1.5 pr-1 pl-3 text-[13px]"
    >
      <div className="flex items-start justify-between gap-2">
        <h4 className="pt-1 font-semibold">
          {told?.reason === 'found' ? 'Found by' : 'Not found by'} “{run.question}”
        </h4>
        <IconButton label="Close the reason" onClick={onClose}>
          <X aria-hidden />
        </IconButton>
      </div>
      {problem && <ProblemNotice problem={problem} />}
      {!told && !problem && <p className="working pb-1 text-muted">asking every leg…</p>}
      {message && <p className="pr-2 pb-1">{message}</p>}
      {told && told.legs.length > 0 && (
        <table className="mb-1 w-full text-xs">
          <caption className="sr-only">Where each leg has it</caption>
          <tbody>
            {told.legs.map((leg) => (
              <tr key={leg.leg}>
                <th scope="row" className="py-0.5 pr-3 text-left font-medium">
                  {legName(leg.leg)}
                </th>
                <td className="w-full pr-3 text-muted">{standing(leg)}</td>
                <td className="pr-2 text-right text-muted tabular-nums">{leg.score?.toFixed(3)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function address(space: string, run: Run, spot: Spot): string {
  const asked = new URLSearchParams({
    q: run.question,
    at: `${spot.source}.${spot.version}.${spot.start}-${spot.end}`,
    // What the answer was made of is what it could have been made of.
    limit: String(Math.max(1, run.hits.length)),
  });
  for (const source of run.sources ?? []) asked.append('source', source);
  return `/api/spaces/${space}/search/why-not?${asked.toString()}`;
}

/** The server names a hit by its id; here it has a title and a number. */
function inWords(told: Told, run: Run): string {
  const at = run.hits.findIndex(({ passage }) => passage.id === told.within);
  const hit = run.hits[at];
  return hit
    ? `It says the same as passage ${at + 1}, ${placeName(hit.passage)}, which names its place.`
    : told.message;
}

function standing({ rank, asked, cut, error, state }: Told['legs'][number]): string {
  if (state !== 'ok') return `not asked: ${error ?? state}`;
  if (rank === null) return `not in its first ${number(asked)}`;
  const ranked = `rank\u00a0${rank}`;
  return rank > cut ? `${ranked}, below the first ${cut}` : ranked;
}
