import { useState } from 'react';

import { asProblem, type BriefVersion } from '../../api';
import { announce } from '../../desk';
import { renameVersion, saveVersion } from '../../history';
import { Dialog } from '../../ui/Dialog';
import { Input } from '../../ui/Field';
import { Form } from '../../ui/Form';

const LONGEST = 120;

interface HistoryNameProps {
  brief: string;
  /** The version that gets the name; null to save the brief as it is now under it. */
  version: BriefVersion | null;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** Asks for the name of a version. */
export function HistoryName({ brief, version, open, onOpenChange }: HistoryNameProps) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={version === null ? 'Save a version' : 'Name this version'}
      description="A version with a name is kept for good."
    >
      <Fields brief={brief} version={version} onDone={() => onOpenChange(false)} />
    </Dialog>
  );
}

function Fields({
  brief,
  version,
  onDone,
}: Pick<HistoryNameProps, 'brief' | 'version'> & { onDone: () => void }) {
  const [name, setName] = useState(version?.name ?? '');
  const save = async () => {
    if (version === null) {
      await saveVersion(brief, name);
      announce(`Version “${name.trim()}” saved.`);
    } else {
      await renameVersion(brief, version.number, name.trim() || null);
      announce(name.trim() ? `Version named “${name.trim()}”.` : 'The version has no name now.');
    }
    onDone();
  };
  const ready = name.trim() !== '' || Boolean(version?.name);
  return (
    <Form
      action={version?.name && name.trim() === '' ? 'Take the name away' : 'Save'}
      ready={ready}
      onSubmit={save}
      explain={asProblem}
    >
      <label className="flex flex-col gap-1 text-[13px] font-medium">
        Name
        <Input
          value={name}
          maxLength={LONGEST}
          placeholder="For example: Sent to the board"
          onChange={(event) => setName(event.target.value)}
        />
      </label>
    </Form>
  );
}
