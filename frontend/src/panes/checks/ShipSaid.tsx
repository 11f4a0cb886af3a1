import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react';

import type { Said, Tone } from '../../exports';

const TONES: Record<Tone, { icon: typeof Info; look: string }> = {
  ok: { icon: CircleCheck, look: 'text-ok' },
  info: { icon: Info, look: 'text-muted' },
  warn: { icon: TriangleAlert, look: 'text-warn' },
  bad: { icon: CircleAlert, look: 'text-bad' },
};

/** One sentence of how something stands, with its sign. */
export function ShipSaid({ said }: { said: Said }) {
  const { icon: Icon, look } = TONES[said.tone];
  return (
    <p className="flex items-start gap-1.5 text-xs">
      <Icon size={13} aria-hidden className={`mt-0.5 shrink-0 ${look}`} />
      <span>{said.text}</span>
    </p>
  );
}
