import { useEffect, useId, useState } from 'react';

import { asProblem, type Problem } from '../../api';
import {
  type Json,
  mappingChoices,
  type MappingChoice,
  type Option,
  type Remember,
} from '../../exports';
import { Input } from '../../ui/Field';
import { ProblemNotice } from '../../ui/ProblemNotice';

interface ShipMappingProps {
  connection: string;
  where: Record<string, Json>;
  /** What was chosen; what was not is the target's default. */
  mapping: Record<string, Json>;
  onChange: (mapping: Record<string, Json>) => void;
}

/** How a brief is shown over there: what may be chosen, with defaults that work. */
export function ShipMapping({ connection, where, mapping, onChange }: ShipMappingProps) {
  const { choices, problem } = useChoices(connection, where, mapping);
  if (problem) return <ProblemNotice problem={problem} />;
  if (!choices)
    return (
      <p role="status" className="working text-[13px] text-muted">
        Asking what may be chosen there…
      </p>
    );
  if (choices.length === 0) return null;
  return (
    <fieldset className="flex flex-col gap-3 rounded-md border border-border p-3">
      <legend className="px-1 text-xs font-medium text-muted">
        Mapping; what stands here already works
      </legend>
      {choices.map((choice) => (
        <Field
          key={choice.key}
          choice={choice}
          value={mapping[choice.key] ?? choice.default}
          onChange={(value) => onChange({ ...mapping, [choice.key]: value })}
        />
      ))}
    </fieldset>
  );
}

/** Asked again when something is chosen: a type has statuses of its own. */
function useChoices(
  connection: string,
  where: Record<string, Json>,
  mapping: Record<string, Json>,
) {
  const [choices, setChoices] = useState<MappingChoice[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const selected = Object.entries(mapping).filter(([key]) =>
    choices?.some((choice) => choice.key === key && choice.kind === 'select'),
  );
  const asked = JSON.stringify([where, selected]);
  useEffect(() => {
    let left = false;
    const [place, chosen] = JSON.parse(asked) as [Record<string, Json>, [string, Json][]];
    mappingChoices(connection, place, Object.fromEntries(chosen)).then(
      (found) => {
        if (!left) setChoices(found);
      },
      (error: unknown) => {
        if (!left) setProblem(asProblem(error));
      },
    );
    return () => {
      left = true;
    };
  }, [connection, asked]);
  return { choices, problem };
}

interface FieldProps {
  choice: MappingChoice;
  value: Json;
  onChange: (value: Json) => void;
}

const SELECT = 'h-8 w-full rounded-md border border-border bg-surface px-2 text-[13px]';

function Field({ choice, value, onChange }: FieldProps) {
  const { label, kind, help } = choice;
  const said = typeof value === 'string' ? value : '';
  const id = useId();
  const hint = help ? { 'aria-describedby': id } : {};
  return (
    <div className="flex flex-col gap-1 text-[13px]">
      {kind === 'flag' && (
        <label className="flex items-start gap-2">
          <input
            type="checkbox"
            className="mt-1"
            checked={value === true}
            onChange={(event) => onChange(event.target.checked)}
            {...hint}
          />
          {label}
        </label>
      )}
      {kind === 'text' && (
        <label className="flex flex-col gap-1">
          {label}
          <Input value={said} onChange={(event) => onChange(event.target.value)} {...hint} />
        </label>
      )}
      {kind === 'select' && (
        <label className="flex flex-col gap-1">
          {label}
          <Select options={choice.options} value={said} onChange={onChange} {...hint} />
        </label>
      )}
      {kind === 'map' && <Pairs choice={choice} value={value} onChange={onChange} />}
      {help && (
        <p id={id} className="text-xs text-muted">
          {help}
        </p>
      )}
    </div>
  );
}

/** For each row one of the options. */
function Pairs({ choice: { label, rows, options }, value, onChange }: FieldProps) {
  const map = typeof value === 'object' && value && !Array.isArray(value) ? value : {};
  return (
    <fieldset className="flex flex-col gap-1.5">
      <legend className="mb-1">{label}</legend>
      {rows.map((row) => {
        const now = map[row.id];
        return (
          <label key={row.id} className="grid grid-cols-[7rem_1fr] items-center gap-2">
            <span className="text-muted">{row.name}</span>
            <Select
              options={options}
              value={typeof now === 'string' ? now : ''}
              onChange={(next) => onChange({ ...map, [row.id]: next })}
            />
          </label>
        );
      })}
    </fieldset>
  );
}

interface SelectProps {
  options: readonly Option[];
  value: string;
  onChange: (value: string) => void;
  'aria-describedby'?: string;
}

function Select({ options, value, onChange, ...hint }: SelectProps) {
  // What was chosen once and is no longer offered is shown, not quietly replaced.
  const known = options.some(({ id }) => id === value);
  return (
    <select
      className={SELECT}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      {...hint}
    >
      {!known && <option value={value}>{value ? `${value} (no longer there)` : 'None'}</option>}
      {options.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  );
}

interface ShipRememberProps {
  value: Remember;
  onChange: (value: Remember) => void;
}

/** Whether a target is this brief's alone, or offered in each brief of the space. */
export function ShipRemember({ value, onChange }: ShipRememberProps) {
  const options: [Remember, string][] = [
    ['brief', 'this brief'],
    ['space', 'every brief of this space'],
  ];
  return (
    <fieldset className="flex flex-wrap items-center gap-x-4 gap-y-1 text-[13px]">
      <legend className="float-left mr-4 text-muted">Remember it for</legend>
      {options.map(([id, name]) => (
        <label key={id} className="flex items-center gap-1.5">
          <input
            type="radio"
            name="remember"
            checked={value === id}
            onChange={() => onChange(id)}
          />
          {name}
        </label>
      ))}
    </fieldset>
  );
}
