import { UserPen } from 'lucide-react';
import { Popover } from 'radix-ui';

import { ORIGIN_NAMES, type Shares } from '../../editor';
import { number, percent } from '../../ui/words';

/** What stands in the margin for each origin; the style sheet draws the same. */
const SIGNS: Readonly<Record<keyof Shares, string>> = {
  human: '✎',
  ai: 'AI',
  'ai-edited': 'AI✎',
  imported: '⤓',
  unknown: '',
};

const ORDER = ['human', 'ai', 'ai-edited', 'imported', 'unknown'] as const;

interface AuthorshipProps {
  shares: Shares;
  marked: boolean;
  onMark: (marked: boolean) => void;
}

/** Whose words the brief is made of, and whether each paragraph says so in the margin. */
export function Authorship({ shares, marked, onMark }: AuthorshipProps) {
  const all = ORDER.reduce((sum, origin) => sum + shares[origin], 0);
  if (all === 0) return null;
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <button type="button" className="brief-outline">
          <UserPen size={14} aria-hidden="true" /> {percent(shares.human / all)} written by people
        </button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          align="end"
          sideOffset={6}
          collisionPadding={8}
          aria-label="Who wrote it"
          className="appear z-50 w-72 rounded-lg border border-border bg-surface p-3 text-[13px] shadow-pop"
        >
          <table className="w-full">
            <caption className="mb-1 text-left text-xs text-muted">Words by who wrote them</caption>
            <tbody>
              {ORDER.map((origin) => (
                <tr key={origin}>
                  <td aria-hidden="true" className="w-9 py-0.5 text-xs font-semibold text-muted">
                    {SIGNS[origin]}
                  </td>
                  <th scope="row" className="text-left font-normal">
                    {ORIGIN_NAMES[origin]}
                  </th>
                  <td className="text-right tabular-nums">{number(shares[origin])}</td>
                  <td className="w-12 text-right text-muted tabular-nums">
                    {percent(shares[origin] / all)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <label className="mt-2 flex cursor-pointer items-center gap-2 border-t border-border pt-2">
            <input
              type="checkbox"
              checked={marked}
              onChange={(event) => onMark(event.target.checked)}
            />
            Show it beside each paragraph
          </label>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
