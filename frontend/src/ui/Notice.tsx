import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';

import { classes } from './classes';

type Tone = 'info' | 'ok' | 'warn' | 'bad';

const TONES: Record<Tone, { box: string; icon: typeof Info; word: string }> = {
  info: { box: 'bg-surface-2 text-text', icon: Info, word: 'Note' },
  ok: { box: 'bg-ok-soft text-text', icon: CircleCheck, word: 'Done' },
  warn: { box: 'bg-warn-soft text-text', icon: TriangleAlert, word: 'Warning' },
  bad: { box: 'bg-bad-soft text-text', icon: CircleAlert, word: 'Problem' },
};

interface NoticeProps {
  tone?: Tone;
  title?: string;
  action?: ReactNode;
  children?: ReactNode;
}

/** A sentence that stays where it matters, with an icon, a word and what can be done. */
export function Notice({ tone = 'info', title, action, children }: NoticeProps) {
  const { box, icon: Icon, word } = TONES[tone];
  return (
    <div className={classes('flex gap-2.5 rounded-md px-3 py-2.5 text-[13px]', box)}>
      <Icon
        size={16}
        aria-label={word}
        role="img"
        className={classes(
          'mt-0.5 shrink-0',
          tone === 'ok' && 'text-ok',
          tone === 'warn' && 'text-warn',
          tone === 'bad' && 'text-bad',
          tone === 'info' && 'text-muted',
        )}
      />
      <div className="min-w-0 flex-1">
        {title && <p className="font-semibold">{title}</p>}
        {children && <div className="[overflow-wrap:anywhere]">{children}</div>}
        {action && <div className="mt-2 flex flex-wrap gap-2">{action}</div>}
      </div>
    </div>
  );
}
