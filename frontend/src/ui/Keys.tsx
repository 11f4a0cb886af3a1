const MAC = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent);

/** A key combination as this computer's keyboard shows it: "Mod+K" reads ⌘K or Ctrl+K. */
export function keyText(combination: string): string {
  if (!MAC) return combination.replace('Mod', 'Ctrl');
  return combination
    .replace('Mod', '⌘')
    .replace('Alt', '⌥')
    .replace('Shift', '⇧')
    .replace('Enter', '⏎')
    .replaceAll('+', '');
}

export function Keys({ of }: { of: string }) {
  return (
    <kbd className="rounded-sm border border-border bg-surface-2 px-1 font-sans text-[11px] text-muted">
      {keyText(of)}
    </kbd>
  );
}
