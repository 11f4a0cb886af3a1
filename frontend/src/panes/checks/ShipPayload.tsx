import { Copy } from 'lucide-react';
import { useState } from 'react';

import { announce } from '../../desk';
import { OPS, type Plan, type PlanStep } from '../../exports';
import { Button } from '../../ui/Button';
import { Empty } from '../../ui/Empty';
import { bytes } from '../../ui/words';
import { ShipList } from './ShipItem';

/** Every call that writes, byte for byte, in the order it is made. */
export function ShipPayload({ plan }: { plan: Plan }) {
  const titles = new Map(plan.items.map(({ key, title }) => [key, title]));
  return (
    <div className="min-h-0 flex-1 overflow-auto" tabIndex={0} role="region" aria-label="Payload">
      {plan.steps.length === 0 && <Empty title="No call would be made" />}
      <ShipList label="Calls" all={plan.steps}>
        {(step) => (
          <Call
            key={step.id}
            step={step}
            about={step.keys.map((key) => titles.get(key) ?? key).join(', ')}
          />
        )}
      </ShipList>
    </div>
  );
}

const LENGTH = new TextEncoder();

function Call({ step, about }: { step: PlanStep; about: string }) {
  const [failed, setFailed] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(step.body);
      setFailed(false);
      announce('The payload is copied.');
    } catch {
      setFailed(true);
      announce('The browser did not let it be copied: select the text and copy it.');
    }
  };
  return (
    <li className="lazy-row flex flex-col gap-1.5 border-b border-border px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <h4 className="min-w-0 flex-1 text-[13px] [overflow-wrap:anywhere]">
          <span className="font-semibold">{OPS[step.op]}</span> {about}
        </h4>
        <span className="text-xs text-muted">{bytes(LENGTH.encode(step.body).length)}</span>
        <Button small look="quiet" onClick={() => void copy()}>
          <Copy size={13} aria-hidden />
          Copy
          <span className="sr-only"> the payload for {about}</span>
        </Button>
      </div>
      <p className="font-mono text-[12px] break-all">
        {step.method} {step.path}
      </p>
      {step.body && (
        <pre
          tabIndex={0}
          aria-label={`Payload for ${about}`}
          className="max-h-72 overflow-auto rounded-md bg-surface-2 p-2 font-mono text-[12px] leading-relaxed break-all whitespace-pre-wrap"
        >
          {step.body}
        </pre>
      )}
      {failed && (
        <p className="text-xs text-bad">The browser did not let it be copied: select it here.</p>
      )}
    </li>
  );
}
