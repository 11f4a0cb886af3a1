import { useEffect, useState } from 'react';

import { type Cost, useResource } from '../api';
import { classes } from '../ui/classes';
import { count, money } from '../ui/words';

/** What this space's answers and readings cost since midnight, here where the page is open. */
export function CostToday({ space }: { space: string }) {
  const since = useMidnight();
  const { data } = useResource<Cost>(
    `/api/spaces/${space}/cost?since=${encodeURIComponent(since)}`,
  );
  if (!data) return null;
  const { words, title, free } = costWords(data);
  return (
    <p
      data-testid="cost"
      title={title}
      className={classes(
        'text-xs whitespace-nowrap text-muted tabular-nums',
        free && 'hidden sm:block',
      )}
    >
      {words}
    </p>
  );
}

/** The cost in a few words, and what it is made of. */
export function costWords(cost: Cost): { words: string; title: string; free: boolean } {
  const { answers, prompt_tokens: read, completion_tokens: written, unpriced } = cost;
  if (cost.kind === 'extractive' && cost.cost_usd === 0 && unpriced === 0) {
    return {
      words: 'no cost today',
      title: 'Answers are quotes found without a model: they cost nothing.',
      free: true,
    };
  }
  const parts = [
    `${count(answers, 'answer')} today`,
    ...(cost.passages_read > 0
      ? [`${count(cost.passages_read, 'passage')} read for the graph`]
      : []),
    `${count(read, 'token')} read and ${count(written, 'token')} written by ${cost.model}`,
  ];
  if (unpriced > 0) parts.push(`${count(unpriced, 'reply', 'replies')} of unknown price`);
  const sum = money(cost.cost_usd);
  return {
    words: `cost today ${unpriced === 0 ? sum : cost.cost_usd === 0 ? 'unknown' : `over ${sum}`}`,
    title: `${parts.join(', ')}.`,
    free: false,
  };
}

/** When today began, in ISO 8601; another one once the day has turned. */
function useMidnight(): string {
  const [since, setSince] = useState(() => midnight(0));
  useEffect(() => {
    const timer = setTimeout(
      () => setSince(midnight(0)),
      new Date(midnight(1)).getTime() - Date.now(),
    );
    return () => clearTimeout(timer);
  }, [since]);
  return since;
}

function midnight(days: number): string {
  const at = new Date();
  at.setHours(0, 0, 0, 0);
  at.setDate(at.getDate() + days);
  return at.toISOString();
}
