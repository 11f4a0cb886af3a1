import { SquareCheck, Table } from 'lucide-react';

import type { Template } from '../api';
import { classes } from '../ui/classes';

type Line = Template['preview'][number];

function Shown({ line }: { line: Line }) {
  switch (line.kind) {
    case 'heading':
      return (
        <p
          className={classes(
            'mt-2 font-serif font-semibold first:mt-0',
            line.level > 2 ? 'text-[13px]' : 'text-sm',
          )}
        >
          {line.text}
        </p>
      );
    case 'prompt':
      return <p className="text-muted italic">{line.text}</p>;
    case 'item':
      return <p className="pl-3 text-muted italic">• {line.text}</p>;
    case 'action':
      return (
        <p className="flex items-start gap-1.5">
          <SquareCheck size={13} className="mt-0.5 shrink-0 text-muted" aria-label="Action:" />
          {line.text}
        </p>
      );
    case 'table':
      return (
        <p className="flex items-start gap-1.5">
          <Table size={13} className="mt-0.5 shrink-0 text-muted" aria-label="Table:" />
          {line.text}
        </p>
      );
    default:
      return <p>{line.text}</p>;
  }
}

/** The first lines of what a brief would begin with. */
export function TemplatePreview({ title, lines }: { title: string; lines: readonly Line[] }) {
  return (
    <section
      aria-label={`What “${title}” begins with`}
      className="h-[22rem] overflow-hidden rounded-md border border-border bg-bg p-3 text-xs leading-relaxed [mask-image:linear-gradient(#000_82%,transparent)]"
    >
      <p aria-hidden className="mb-2 text-[11px] font-medium text-muted">
        {title}
      </p>
      <div className="flex flex-col gap-0.5">
        {lines.length === 0 ? (
          <p className="text-muted">An empty page.</p>
        ) : (
          lines.map((line, n) => <Shown key={n} line={line} />)
        )}
      </div>
    </section>
  );
}
