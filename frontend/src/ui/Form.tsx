import { type ReactNode, useState } from 'react';

import { Button } from './Button';
import { ProblemNotice, type ProblemNoticeProps } from './ProblemNotice';

interface FormProps {
  /** What the button says. */
  action: string;
  /** Whether what was filled in can be sent. */
  ready: boolean;
  /** Sends it; what it throws is shown and the fields stay. */
  onSubmit: () => Promise<void> | void;
  /** What is told of what was thrown. */
  explain: (error: unknown) => ProblemNoticeProps['problem'];
  children: ReactNode;
}

/** Fields, what went wrong, and one button, which cannot be pressed twice. */
export function Form({ action, ready, onSubmit, explain, children }: FormProps) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemNoticeProps['problem'] | null>(null);
  const submit = async () => {
    if (!ready || busy) return;
    setBusy(true);
    setProblem(null);
    try {
      await onSubmit();
    } catch (error) {
      setProblem(explain(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {children}
      {problem && <ProblemNotice problem={problem} />}
      <div className="flex justify-end">
        <Button type="submit" look="primary" disabled={!ready || busy}>
          {action}
        </Button>
      </div>
    </form>
  );
}
