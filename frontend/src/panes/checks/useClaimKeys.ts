import { useCallback, useState } from 'react';

import type { Claim } from '../../api';
import { nextUnresolved, selectedClaim, useClaims, VERDICTS } from '../../claims';
import { announce, go, usePlace, useCommands } from '../../desk';

const NONE: readonly Claim[] = [];

/** The keys that lead from claim to claim, whatever tab is open; whether a card was asked for. */
export function useClaimKeys(brief: string | null) {
  const all = useClaims(brief).data?.claims ?? NONE;
  const { sel } = usePlace();
  const [card, setCard] = useState(false);
  const onCardShown = useCallback(() => setCard(false), []);
  const chosen = selectedClaim(all, sel);

  const walk = (direction: 1 | -1) => () => {
    const next = nextUnresolved(all, chosen?.hash ?? null, direction);
    if (!next) {
      announce('No unresolved claims.');
      return;
    }
    go({ right: 'claims', sel: { kind: 'claim', id: next.hash } });
    announce(`${VERDICTS[next.verdict].word}: ${next.text}`);
  };
  useCommands([
    {
      id: 'next-claim',
      group: 'Checks',
      label: 'Next unresolved claim',
      keys: 'F8',
      run: walk(1),
    },
    {
      id: 'previous-claim',
      group: 'Checks',
      label: 'Previous unresolved claim',
      keys: 'Shift+F8',
      run: walk(-1),
    },
    {
      id: 'claim-card',
      group: 'Checks',
      label: 'Claim card',
      keys: 'Mod+.',
      run: () => {
        if (!chosen) return false;
        go({ right: 'claims' });
        setCard(true);
        return true;
      },
    },
  ]);
  return { card, onCardShown };
}
