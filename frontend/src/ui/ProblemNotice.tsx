import type { ReactNode } from 'react';

import { Notice } from './Notice';

export interface ProblemNoticeProps {
  problem: { message: string; remedy: string | null };
  action?: ReactNode;
}

/** What went wrong and the way out of it. */
export function ProblemNotice({ problem, action }: ProblemNoticeProps) {
  return (
    <Notice tone="bad" title={problem.message} action={action}>
      {problem.remedy}
    </Notice>
  );
}
