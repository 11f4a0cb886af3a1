import { useEffect, useState } from 'react';

import { asProblem, type Problem } from '../../api';
import { type Connection, findPlaces, type PlaceFound } from '../../exports';
import { Input } from '../../ui/Field';
import { ProblemNotice } from '../../ui/ProblemNotice';

/** How long the typing rests before it is searched for, in milliseconds. */
const REST = 250;

interface ShipPlacesProps {
  connection: Connection;
  onChoose: (place: PlaceFound) => void;
}

/** Where a connection can put things, by name. */
export function ShipPlaces({ connection, onChoose }: ShipPlacesProps) {
  const [query, setQuery] = useState('');
  const [found, setFound] = useState<PlaceFound[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    const asked = new AbortController();
    const ask = async () => {
      try {
        setFound(await findPlaces(connection.id, query.trim(), asked.signal));
        setProblem(null);
      } catch (error) {
        if (!asked.signal.aborted) setProblem(asProblem(error));
      }
    };
    const timer = setTimeout(() => void ask(), query ? REST : 0);
    return () => {
      clearTimeout(timer);
      asked.abort();
    };
  }, [connection.id, query]);
  return (
    <>
      <label className="flex flex-col gap-1 text-[13px]">
        Search
        <Input
          type="search"
          value={query}
          placeholder="A name"
          onChange={(event) => setQuery(event.target.value)}
        />
      </label>
      {problem && <ProblemNotice problem={problem} />}
      {!problem && (
        <p role="status" className="text-xs text-muted">
          {found === null
            ? 'Looking…'
            : found.length === 0
              ? `${connection.account || 'This account'} sees nothing of that name there.`
              : `As ${connection.account || connection.name}`}
        </p>
      )}
      {found && found.length > 0 && (
        <ul aria-label="Places" className="max-h-72 overflow-auto rounded-md border border-border">
          {found.map((place) => (
            <li key={JSON.stringify(place.where)} className="border-b border-border last:border-0">
              <button
                type="button"
                className="flex w-full items-baseline justify-between gap-3 px-3 py-2 text-left text-[13px] -outline-offset-2 hover:bg-surface-2"
                onClick={() => onChoose(place)}
              >
                <span className="[overflow-wrap:anywhere]">{place.name}</span>
                <span className="shrink-0 text-xs text-muted">{place.kind_name}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
