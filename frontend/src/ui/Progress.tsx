/** A bar with its value in words for those who do not see it. */
export function Progress({ value, label }: { value: number | null; label: string }) {
  return (
    <div
      role="progressbar"
      aria-label={label}
      {...(value === null
        ? {}
        : { 'aria-valuenow': Math.round(value * 100), 'aria-valuemin': 0, 'aria-valuemax': 100 })}
      className="h-1 overflow-hidden rounded-full bg-surface-2"
    >
      <div
        className={`h-full rounded-full bg-accent transition-[width] ${value === null ? 'working w-1/3' : ''}`}
        style={value === null ? undefined : { width: `${Math.min(100, value * 100)}%` }}
      />
    </div>
  );
}
