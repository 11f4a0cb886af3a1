import { FolderOutput, Plus } from 'lucide-react';
import { useState } from 'react';

import { asProblem } from '../../api';
import { type TargetKind, useTargets } from '../../exports';
import { Button } from '../../ui/Button';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { ShipAdd } from './ShipAdd';
import { ShipTarget } from './ShipTarget';
import { useExportRights } from './useExportRights';

interface ShipTargetsProps {
  space: string;
  brief: string;
  /** Why nothing can leave now; null when it can. */
  blocked: string | null;
}

/** Where the brief goes, one card each; before there is one, what will appear here. */
export function ShipTargets({ space, brief, blocked }: ShipTargetsProps) {
  const { data, error } = useTargets(brief);
  const { exports } = useExportRights(space);
  const [adding, setAdding] = useState<TargetKind | 'any' | null>(null);
  const may = exports ? undefined : 'Only analysts and admins of this space export.';
  const add = (kind: TargetKind | 'any') => ({
    disabled: !exports,
    title: may,
    onClick: () => setAdding(kind),
  });
  return (
    <section aria-labelledby="ship-targets" className="flex flex-col gap-2">
      <div className="flex items-center justify-between gap-2">
        <h3 id="ship-targets" className="text-[13px] font-semibold">
          Targets
        </h3>
        {data && data.length > 0 && (
          <Button small look="quiet" {...add('any')}>
            <Plus size={13} aria-hidden />
            Add a target
          </Button>
        )}
      </div>
      {error !== null && !data && <ProblemNotice problem={asProblem(error)} />}
      {!data && error === null && (
        <p role="status" className="text-[13px] text-muted">
          Loading the targets…
        </p>
      )}
      {data?.length === 0 && (
        <div className="rounded-md border border-dashed border-border p-3 text-[13px]">
          <p className="text-muted">
            Here appear the places this brief goes to: what would be sent, what was sent, and what
            changed over there since. Exporting again changes what was made and doubles nothing.
          </p>
          <div className="mt-2.5 flex flex-wrap gap-2">
            <Button small look="primary" {...add('folder')}>
              <FolderOutput size={13} aria-hidden />
              Write to a folder
            </Button>
            <Button small {...add('any')}>
              <Plus size={13} aria-hidden />
              Notion, Jira or Trello
            </Button>
          </div>
          <p className="mt-1.5 text-xs text-muted">{may ?? 'A folder needs no account.'}</p>
        </div>
      )}
      {data && data.length > 0 && (
        <ul className="flex flex-col gap-2" aria-label="Targets">
          {data.map((target) => (
            <li key={target.id}>
              <ShipTarget space={space} brief={brief} target={target} blocked={may ?? blocked} />
            </li>
          ))}
        </ul>
      )}
      <ShipAdd
        key={adding ?? 'none'}
        space={space}
        brief={brief}
        kind={adding === 'any' ? null : adding}
        open={adding !== null}
        onOpenChange={(open) => {
          if (!open) setAdding(null);
        }}
      />
    </section>
  );
}
