import type { ComponentProps } from 'react';

import { classes } from './classes';

type Look = 'primary' | 'plain' | 'quiet' | 'danger';

const LOOKS: Record<Look, string> = {
  primary:
    'bg-accent text-accent-text hover:brightness-110 border-transparent [&_kbd]:border-current/40 [&_kbd]:bg-transparent [&_kbd]:text-current',
  plain: 'bg-surface border-border hover:bg-surface-2 hover:border-border-strong',
  quiet: 'border-transparent text-muted hover:bg-surface-2 hover:text-text',
  danger: 'bg-surface border-border text-bad hover:bg-bad-soft',
};

interface ButtonProps extends ComponentProps<'button'> {
  look?: Look;
  small?: boolean;
}

export function Button({ look = 'plain', small = false, className, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={classes(
        'inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md border font-medium whitespace-nowrap transition-colors disabled:opacity-50',
        small ? 'h-6.5 px-2 text-xs' : 'h-8 px-3 text-[13px]',
        LOOKS[look],
        className,
      )}
    />
  );
}

/** A button that shows an icon; its name is read aloud and shown on hover. */
export function IconButton({
  label,
  className,
  ...rest
}: ComponentProps<'button'> & { label: string }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={classes(
        'inline-flex size-7.5 shrink-0 items-center justify-center rounded-md text-muted transition-colors hover:bg-surface-2 hover:text-text disabled:opacity-50 [&_svg]:size-4',
        className,
      )}
    />
  );
}
