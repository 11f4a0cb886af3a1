import { useState } from 'react';

import {
  asProblem,
  type Fusion,
  refetch,
  send,
  type Space,
  type SpaceSettings as Settings,
  useResource,
} from '../api';
import { legName } from '../answers';
import { announce } from '../desk';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { Input } from '../ui/Field';
import { Form } from '../ui/Form';
import { ProblemNotice } from '../ui/ProblemNotice';

interface SpaceSettingsProps {
  space: Space;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** How searches of a space make one order of what the legs find. */
export function SpaceSettings({ space, open, onOpenChange }: SpaceSettingsProps) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Settings of “${space.name}”`}
      description="How searches and answers here make one order of what each leg of the search finds."
    >
      {open && <Loaded space={space} onDone={() => onOpenChange(false)} />}
    </Dialog>
  );
}

function Loaded({ space, onDone }: { space: Space; onDone: () => void }) {
  const path = `/api/spaces/${space.id}/settings`;
  const { data, error } = useResource<Settings>(path);
  if (!data) {
    return error ? (
      <ProblemNotice problem={asProblem(error)} />
    ) : (
      <p className="working text-[13px] text-muted" role="status">
        reading the settings…
      </p>
    );
  }
  const save = async (fusion: Fusion | null) => {
    await send<Settings>('PUT', path, { fusion });
    await refetch(path);
    announce('Settings saved. The next search uses them.');
    onDone();
  };
  return <Fields key={path} settings={data} onSave={save} />;
}

const KINDS: readonly { kind: Fusion['kind']; title: string; says: string }[] = [
  {
    kind: 'rrf',
    title: 'By rank',
    says: 'Only a passage’s rank in each leg counts; scores of different legs are never compared.',
  },
  {
    kind: 'min_max',
    title: 'By score (min-max)',
    says: 'Each leg’s scores are stretched onto 0 to 1 and added up.',
  },
];

/** What is being typed: numbers stay text until they are sent. */
interface Draft {
  kind: Fusion['kind'];
  k: string;
  weights: Record<string, string>;
}

function drafted(fusion: Fusion, legs: readonly string[]): Draft {
  const weights = legs.map((leg) => [leg, String(fusion.weights[leg] ?? 1)] as const);
  return { kind: fusion.kind, k: String(fusion.k), weights: Object.fromEntries(weights) };
}

function sameDraft(one: Draft, other: Draft): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

interface FieldsProps {
  settings: Settings;
  onSave: (fusion: Fusion | null) => Promise<void>;
}

function Fields({ settings, onSave }: FieldsProps) {
  const { legs, fusion } = settings;
  const [draft, setDraft] = useState(() => drafted(fusion, legs));
  const byDefault = drafted(settings.default, legs);
  const isDefault = sameDraft(draft, byDefault);
  const k = Number(draft.k);
  const weights = Object.entries(draft.weights).map(([leg, text]) => [leg, Number(text)] as const);
  const ready =
    draft.k.trim() !== '' &&
    Number.isInteger(k) &&
    Object.values(draft.weights).every((text) => text.trim() !== '') &&
    weights.every(([, weight]) => Number.isFinite(weight));
  const submit = () =>
    onSave(
      isDefault
        ? null
        : {
            kind: draft.kind,
            k,
            weights: Object.fromEntries(weights.filter(([, weight]) => weight !== 1)),
          },
    );
  return (
    <Form action="Save" ready={ready} onSubmit={submit} explain={asProblem}>
      <fieldset className="flex flex-col gap-2">
        <legend className="mb-1 text-[13px] font-semibold">Fusion</legend>
        {KINDS.map(({ kind, title, says }) => (
          <label key={kind} className="flex items-start gap-2 text-[13px]">
            <input
              type="radio"
              name="fusion"
              className="mt-0.75"
              checked={draft.kind === kind}
              onChange={() => setDraft({ ...draft, kind })}
            />
            <span>
              {title}
              {byDefault.kind === kind && <Default />}
              <span className="block text-xs text-muted">{says}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <Row
        label="k"
        says="The smaller, the more the first ranks weigh."
        standard={byDefault.k}
        value={draft.k}
        max={1000}
        step={1}
        disabled={draft.kind !== 'rrf'}
        onChange={(next) => setDraft({ ...draft, k: next })}
      />
      <fieldset className="flex flex-col gap-2">
        <legend className="mb-1 text-[13px] font-semibold">Weight of each leg</legend>
        {legs.map((leg) => (
          <Row
            key={leg}
            label={legName(leg)}
            says={draft.weights[leg] === '0' ? 'Asked, and adds nothing.' : ''}
            standard={byDefault.weights[leg] ?? '1'}
            value={draft.weights[leg] ?? ''}
            max={100}
            step="any"
            onChange={(next) => setDraft({ ...draft, weights: { ...draft.weights, [leg]: next } })}
          />
        ))}
      </fieldset>
      <div>
        <Button small disabled={isDefault} onClick={() => setDraft(byDefault)}>
          Reset to the default
        </Button>
      </div>
    </Form>
  );
}

function Default() {
  return <span className="ml-1.5 rounded-sm bg-surface-2 px-1 text-xs text-muted">default</span>;
}

interface RowProps {
  label: string;
  says: string;
  /** What it is where nobody changed it. */
  standard: string;
  value: string;
  max: number;
  step: number | 'any';
  disabled?: boolean;
  onChange: (next: string) => void;
}

function Row({ label, says, standard, value, max, step, disabled, onChange }: RowProps) {
  return (
    <label className="flex flex-wrap items-center gap-x-3 gap-y-1 text-[13px]">
      <span className="min-w-48 flex-1">
        {label}
        {says && <span className="block text-xs text-muted">{says}</span>}
      </span>
      <span className="flex items-center">
        <Input
          type="number"
          min={0}
          max={max}
          step={step}
          required
          value={value}
          disabled={disabled === true}
          className="!w-24 tabular-nums disabled:opacity-50"
          onChange={(event) => onChange(event.target.value)}
        />
        <span className="w-24 pl-2 text-xs text-muted">
          {value === standard ? <Default /> : `default ${standard}`}
        </span>
      </span>
    </label>
  );
}
