import { classes } from './classes';

interface ChoicesProps<T extends string> {
  label: string;
  options: readonly (readonly [id: T, label: string])[];
  value: T;
  onChange: (value: T) => void;
}

/** A row of small buttons of which one is chosen: which part of a list is shown. */
export function Choices<T extends string>({ label, options, value, onChange }: ChoicesProps<T>) {
  return (
    <div role="group" aria-label={label} className="flex flex-wrap gap-1">
      {options.map(([id, name]) => (
        <button
          key={id}
          type="button"
          aria-pressed={value === id}
          onClick={() => onChange(id)}
          className={classes(
            'rounded-full border px-2 text-xs leading-5 tabular-nums',
            value === id
              ? 'border-accent bg-accent-soft font-medium text-accent'
              : 'border-border text-muted hover:text-text',
          )}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
