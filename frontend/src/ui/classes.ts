/** Joins class names, leaving out what is false. */
export function classes(...names: (string | false | null | undefined)[]): string {
  return names.filter(Boolean).join(' ');
}

/** How a row of a list looks, and the one that is chosen. */
export function rowLook(chosen: boolean): string {
  return classes(
    'border-b border-l-2 border-border px-4 py-2.5 -outline-offset-2',
    chosen ? 'border-l-accent bg-accent-soft/50' : 'border-l-transparent',
  );
}
