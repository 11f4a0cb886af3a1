import { ArrowLeft } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';

import { asProblem } from '../../api';
import { announce } from '../../desk';
import {
  addTarget,
  type Connection,
  GUIDES,
  type Json,
  KIND_NAMES,
  type PlaceFound,
  type Remember,
  type RemoteKind,
  type TargetKind,
} from '../../exports';
import { Button } from '../../ui/Button';
import { Dialog } from '../../ui/Dialog';
import { Input } from '../../ui/Field';
import { Form } from '../../ui/Form';
import { ShipConnect } from './ShipConnect';
import { ShipMapping, ShipRemember } from './ShipMapping';
import { ShipPlaces } from './ShipPlaces';

interface ShipAddProps {
  space: string;
  brief: string;
  /** What was chosen already; null asks. */
  kind: TargetKind | null;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

interface Chosen {
  kind: TargetKind | null;
  connection: Connection | null;
  place: PlaceFound | null;
}

const NOTHING: Chosen = { kind: null, connection: null, place: null };

/** Adds a target, one question at a time: what, with whose token, where, and how. */
export function ShipAdd({ space, brief, kind, open, onOpenChange }: ShipAddProps) {
  const [chosen, setChosen] = useState<Chosen>({ ...NOTHING, kind });
  const step = stepOf(chosen);
  const box = useRef<HTMLDivElement>(null);
  const first = useRef(true);
  useEffect(() => {
    // The dialog itself gives the focus to its first step.
    if (first.current) first.current = false;
    else box.current?.querySelector<HTMLElement>('input, select, button')?.focus();
  }, [step]);

  const back = () => {
    if (chosen.place) setChosen({ ...chosen, place: null });
    else if (chosen.connection) setChosen({ ...chosen, connection: null });
    else setChosen(NOTHING);
  };
  const remote = chosen.kind !== null && chosen.kind !== 'folder' ? chosen.kind : null;

  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={titleOf(chosen)}>
      <div ref={box} className="flex flex-col gap-3">
        {step === 'kind' && <Kinds onChoose={(next) => setChosen({ ...NOTHING, kind: next })} />}
        {step === 'connection' && remote && (
          <ShipConnect
            space={space}
            kind={remote}
            onChoose={(connection) => setChosen({ ...chosen, connection })}
          />
        )}
        {step === 'place' && chosen.connection && (
          <ShipPlaces
            connection={chosen.connection}
            onChoose={(place) => setChosen({ ...chosen, place })}
          />
        )}
        {step === 'details' && chosen.kind && (
          <Details
            brief={brief}
            kind={chosen.kind}
            connection={chosen.connection}
            place={chosen.place}
            onAdded={() => onOpenChange(false)}
          />
        )}
        {step !== 'kind' && (
          <div>
            <Button small look="quiet" onClick={back}>
              <ArrowLeft size={13} aria-hidden />
              Back
            </Button>
          </div>
        )}
      </div>
    </Dialog>
  );
}

function stepOf({ kind, connection, place }: Chosen) {
  if (kind === null) return 'kind';
  if (kind === 'folder') return 'details';
  if (connection === null) return 'connection';
  return place === null ? 'place' : 'details';
}

function titleOf(chosen: Chosen): string {
  const name = chosen.kind ? KIND_NAMES[chosen.kind] : '';
  return {
    kind: 'Add a target',
    connection: `Connect to ${name}`,
    place: `Where in ${name}`,
    details: chosen.kind === 'folder' ? 'Write to a folder' : `How it is shown in ${name}`,
  }[stepOf(chosen)];
}

const REMOTES = Object.keys(GUIDES) as RemoteKind[];

function Kinds({ onChoose }: { onChoose: (kind: TargetKind) => void }) {
  const kinds: [TargetKind, string][] = [
    ['folder', 'A Markdown file, kept up to date. Needs no account.'],
    ...REMOTES.map((kind): [TargetKind, string] => [kind, `${GUIDES[kind].says}.`]),
  ];
  return (
    <ul className="flex flex-col gap-1.5">
      {kinds.map(([kind, says]) => (
        <li key={kind}>
          <button
            type="button"
            className="w-full rounded-md border border-border px-3 py-2 text-left hover:border-border-strong hover:bg-surface-2"
            onClick={() => onChoose(kind)}
          >
            <span className="block text-[13px] font-medium">{KIND_NAMES[kind]}</span>
            <span className="block text-xs text-muted">{says}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

interface DetailsProps {
  brief: string;
  kind: TargetKind;
  connection: Connection | null;
  place: PlaceFound | null;
  onAdded: () => void;
}

function Details({ brief, kind, connection, place, onAdded }: DetailsProps) {
  const [name, setName] = useState(place?.name ?? 'Briefs');
  const [mapping, setMapping] = useState<Record<string, Json>>({});
  const [remember, setRemember] = useState<Remember>('brief');
  return (
    <Form
      action="Add the target"
      ready={name.trim() !== ''}
      explain={asProblem}
      onSubmit={async () => {
        const called = name.trim();
        await addTarget(brief, {
          connection: connection?.id ?? null,
          kind,
          name: called,
          where: place?.where ?? { folder: called },
          mapping,
          remember,
        });
        announce(`${called} is added. Dry-run shows what would be sent.`);
        onAdded();
      }}
    >
      <label className="flex flex-col gap-1 text-[13px]">
        {kind === 'folder' ? 'Name of the folder' : 'Name of the target'}
        <Input value={name} maxLength={120} onChange={(event) => setName(event.target.value)} />
      </label>
      {kind === 'folder' && (
        <p className="text-xs text-muted">
          It lies within the exports folder of this server. Who edits the file there is not
          overwritten: it shows as a change over there.
        </p>
      )}
      {connection && place && (
        <ShipMapping
          connection={connection.id}
          where={place.where}
          mapping={mapping}
          onChange={setMapping}
        />
      )}
      <ShipRemember value={remember} onChange={setRemember} />
    </Form>
  );
}
