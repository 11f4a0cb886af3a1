import { useState } from 'react';

import { asProblem, type Problem } from '../../api';

/** What a button sets off: which one is at work, and what went wrong. One at a time. */
export function useTask() {
  const [busy, setBusy] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const run = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    setBusy(what);
    setProblem(null);
    try {
      await work();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(null);
    }
  };
  return { busy, problem, run };
}
