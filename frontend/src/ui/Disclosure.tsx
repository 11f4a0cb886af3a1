import { ChevronRight } from 'lucide-react';
import type { ReactNode } from 'react';

/** Details a person may open; closed by default and operable without script. */
export function Disclosure({
  summary,
  open,
  children,
}: {
  summary: ReactNode;
  open?: boolean;
  children: ReactNode;
}) {
  return (
    <details className="group text-[13px]" open={open === true}>
      <summary className="inline-flex list-none items-center gap-1 text-muted hover:text-text [&::-webkit-details-marker]:hidden">
        <ChevronRight
          size={14}
          aria-hidden
          className="shrink-0 transition-transform group-open:rotate-90"
        />
        {summary}
      </summary>
      <div className="pt-2 pl-4.5">{children}</div>
    </details>
  );
}
