import { announce, go, useCommands } from '../../desk';
import { showShip, useShipView, useTargets } from '../../exports';

/** The key that makes a dry-run, whatever tab is open: of the target at hand, else of the first. */
export function useShipKeys(brief: string | null): void {
  const { data } = useTargets(brief);
  const targets = data ?? [];
  const view = useShipView(brief ?? '');
  const at = view.show === 'targets' ? null : view.target;
  const target = targets.find(({ id }) => id === at) ?? targets[0];
  useCommands(
    brief
      ? [
          {
            id: 'dry-run',
            group: 'Ship',
            label: target ? `Dry-run of ${target.name}` : 'Dry-run',
            words: 'export preview payload diff',
            keys: 'Mod+Alt+E',
            run: () => {
              go({ right: 'ship' });
              if (data && !target) announce('No target yet: add one under Ship.');
              showShip(
                target ? { brief, show: 'plan', target: target.id } : { brief, show: 'targets' },
                true,
              );
            },
          },
        ]
      : [],
  );
}
