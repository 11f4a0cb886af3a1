import type { ReactNode } from 'react';

/** What stands where nothing is yet: a title, a sentence and the way on. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="mx-auto flex max-w-sm flex-col items-center gap-2 px-4 py-10 text-center">
      <h3 className="font-serif text-lg text-text">{title}</h3>
      {children && <div className="text-[13px] leading-relaxed text-muted">{children}</div>}
    </div>
  );
}
