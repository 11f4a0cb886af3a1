import { useState } from 'react';

import { asProblem } from '../../api';
import { announce } from '../../desk';
import { changeTarget, KIND_NAMES, type Target } from '../../exports';
import { Dialog } from '../../ui/Dialog';
import { Input } from '../../ui/Field';
import { Form } from '../../ui/Form';
import { ShipMapping, ShipRemember } from './ShipMapping';

interface ShipEditProps {
  brief: string;
  target: Target;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** The name of a target and how a brief is shown there. */
export function ShipEdit({ brief, target, open, onOpenChange }: ShipEditProps) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={`${KIND_NAMES[target.kind]}: ${target.name}`}
      description="What is made there already is changed with the next export."
    >
      <Fields
        brief={brief}
        target={target}
        onDone={() => {
          announce(`${target.name} is saved.`);
          onOpenChange(false);
        }}
      />
    </Dialog>
  );
}

interface FieldsProps {
  brief: string;
  target: Target;
  onDone: () => void;
}

function Fields({ brief, target, onDone }: FieldsProps) {
  const [name, setName] = useState(target.name);
  const [mapping, setMapping] = useState(target.mapping);
  const [remember, setRemember] = useState(target.remember);
  return (
    <Form
      action="Save"
      ready={name.trim() !== ''}
      explain={asProblem}
      onSubmit={async () => {
        await changeTarget(brief, target.id, { name: name.trim(), mapping, remember });
        onDone();
      }}
    >
      <label className="flex flex-col gap-1 text-[13px]">
        Name of the target
        <Input value={name} maxLength={120} onChange={(event) => setName(event.target.value)} />
      </label>
      {target.connection && (
        <ShipMapping
          connection={target.connection}
          where={target.where}
          mapping={mapping}
          onChange={setMapping}
        />
      )}
      <ShipRemember value={remember} onChange={setRemember} />
    </Form>
  );
}
