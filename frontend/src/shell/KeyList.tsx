import { SHORTCUTS } from '../desk';
import { Dialog } from '../ui/Dialog';
import { Keys } from '../ui/Keys';

const GROUPS = [...new Set(SHORTCUTS.map(({ group }) => group))];

export function KeyList({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (o: boolean) => void;
}) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Keys" wide>
      <div className="gap-x-10 sm:columns-2">
        {GROUPS.map((group) => (
          <section key={group} aria-label={group} className="mb-4 break-inside-avoid">
            <h3 className="mb-1 text-xs font-semibold text-muted">{group}</h3>
            <dl className="flex flex-col gap-1 text-[13px]">
              {SHORTCUTS.filter((shortcut) => shortcut.group === group).map((shortcut) => (
                <div key={shortcut.what} className="flex items-baseline justify-between gap-3">
                  <dt>{shortcut.what}</dt>
                  <dd className="flex shrink-0 gap-1">
                    {shortcut.keys.map((keys) => (
                      <Keys key={keys} of={keys} />
                    ))}
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
