import type { ComponentProps } from 'react';

import { classes } from './classes';

const LOOK =
  'w-full rounded-md border border-border bg-surface px-2.5 text-[13px] placeholder:text-muted hover:border-border-strong focus-visible:border-focus focus-visible:outline-1 focus-visible:outline-offset-0';

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return <input {...rest} className={classes(LOOK, 'h-8', className)} />;
}

export function TextArea({ className, ...rest }: ComponentProps<'textarea'>) {
  return <textarea {...rest} className={classes(LOOK, 'py-2 leading-relaxed', className)} />;
}
