import { useEffect, useState } from 'react';

import { type Positions, settling, type Tie } from './layout';

const SLICE = 4; // ms of a frame that placing names may take

interface Placed {
  of: string;
  positions: Positions;
}

/** The places of these names, once found; null before. Typing and scrolling go on meanwhile. */
export function useSettled(names: readonly string[], ties: readonly Tie[]): Positions | null {
  const of = JSON.stringify([names, ties]);
  const [placed, setPlaced] = useState<Placed | null>(null);
  useEffect(() => {
    const [wanted, tied] = JSON.parse(of) as [string[], Tie[]];
    const steps = settling(wanted, tied);
    let timer: ReturnType<typeof setTimeout>;
    let last: Positions = new Map();
    const work = () => {
      const until = performance.now() + SLICE;
      while (performance.now() < until) {
        const step = steps.next();
        if (step.done) {
          setPlaced({ of, positions: last });
          return;
        }
        last = step.value;
      }
      timer = setTimeout(work, 0);
    };
    timer = setTimeout(work, 0);
    return () => clearTimeout(timer);
  }, [of]);
  return placed?.of === of ? placed.positions : null;
}
