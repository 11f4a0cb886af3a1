import type { ReactNode } from 'react';

/** What stands where nothing is yet: a title, a sentence and the way on. `whole` in place of panes. */
export function Empty({
  title,
  whole = false,
  children,
}: {
  title: string;
  whole?: boolean;
  children?: ReactNode;
}) {
  const Heading = whole ? 'h2' : 'h3'; // a pane has an h2 of its own
  return (
    <div className="mx-auto flex max-w-sm flex-col items-center gap-2 px-4 py-10 text-center">
      <Heading className="font-serif text-lg text-text">{title}</Heading>
      {children && <div className="text-[13px] leading-relaxed text-muted">{children}</div>}
    </div>
  );
}
