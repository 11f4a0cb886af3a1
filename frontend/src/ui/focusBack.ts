import { useLayoutEffect } from 'react';

/** When a dialog that no button opened closes, the keyboard goes on where it was before. */
export function useFocusBack(open: boolean): void {
  useLayoutEffect(() => {
    if (!open) return;
    const before = document.activeElement;
    return () => {
      // The dialog lets go of the focus in a task of its own.
      setTimeout(() => {
        const lost = document.activeElement === null || document.activeElement === document.body;
        if (lost && before instanceof HTMLElement) before.focus({ preventScroll: true });
      }, 0);
    };
  }, [open]);
}
