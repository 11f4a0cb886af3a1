import { SHORTCUTS } from '../desk';
import { Dialog } from '../ui/Dialog';
import { Keys } from '../ui/Keys';

const GROUPS = ['Everywhere', 'Evidence', 'Brief', 'Checks'] as const;

export function KeyList({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (o: boolean) => void;
}) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Keys">
      <div className="grid gap-x-8 gap-y-4 sm:grid-cols-2">
        {GROUPS.map((group) => (
          <section key={group} aria-label={group}>
            <h3 className="mb-1 text-xs font-medium text-muted">{group}</h3>
            <dl className="flex flex-col gap-1 text-[13px]">
              {SHORTCUTS.filter((shortcut) => shortcut.group === group).map((shortcut) => (
                <div key={shortcut.keys} className="flex items-baseline justify-between gap-3">
                  <dt>{shortcut.what}</dt>
                  <dd>
                    <Keys of={shortcut.keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
