import { X } from 'lucide-react';
import { AlertDialog as Alert, Dialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';

import { Button } from './Button';
import { classes } from './classes';
import { useFocusBack } from './focusBack';

const VEIL = 'fixed inset-0 z-40 bg-black/35';
const BOX =
  'appear fixed top-[12vh] left-1/2 z-50 max-h-[76vh] w-[min(92vw,560px)] -translate-x-1/2 overflow-auto rounded-xl border border-border bg-surface p-5 shadow-pop';

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: string;
  wide?: boolean;
  children: ReactNode;
}

export function Dialog({ open, onOpenChange, title, description, wide, children }: DialogProps) {
  useFocusBack(open);
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={VEIL} />
        <Radix.Content
          className={classes(BOX, wide && 'w-[min(94vw,860px)]')}
          onOpenAutoFocus={(event) => {
            const box = event.currentTarget;
            const field =
              box instanceof HTMLElement &&
              box.querySelector<HTMLElement>('input:not([type=file]), textarea, select');
            if (!field) return;
            event.preventDefault();
            field.focus();
            if (field instanceof HTMLInputElement) field.select();
          }}
          {...(description ? {} : { 'aria-describedby': undefined })}
        >
          <div className="mb-3 flex items-start justify-between gap-4">
            <div>
              <Radix.Title className="text-base font-semibold">{title}</Radix.Title>
              {description && (
                <Radix.Description className="mt-0.5 text-[13px] text-muted">
                  {description}
                </Radix.Description>
              )}
            </div>
            <Radix.Close
              aria-label="Close"
              className="rounded-md p-1 text-muted hover:bg-surface-2 hover:text-text"
            >
              <X size={16} aria-hidden />
            </Radix.Close>
          </div>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface ConfirmProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  action: string;
  onConfirm: () => void;
  children: ReactNode;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ open, onOpenChange, title, action, onConfirm, children }: ConfirmProps) {
  useFocusBack(open);
  return (
    <Alert.Root open={open} onOpenChange={onOpenChange}>
      <Alert.Portal>
        <Alert.Overlay className={VEIL} />
        <Alert.Content className={BOX}>
          <Alert.Title className="text-base font-semibold">{title}</Alert.Title>
          <Alert.Description asChild>
            <div className="mt-2 text-[13px] leading-relaxed text-muted">{children}</div>
          </Alert.Description>
          <div className="mt-5 flex justify-end gap-2">
            <Alert.Cancel asChild>
              <Button>Keep it</Button>
            </Alert.Cancel>
            <Alert.Action asChild>
              <Button look="danger" onClick={onConfirm}>
                {action}
              </Button>
            </Alert.Action>
          </div>
        </Alert.Content>
      </Alert.Portal>
    </Alert.Root>
  );
}
