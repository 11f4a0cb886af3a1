const COUNT = new Intl.NumberFormat('en');
const DATE = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });
const CLOCK = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hour12: false });

/** "1 source", "1,204 sources". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${COUNT.format(n)} ${n === 1 ? one : many}`;
}

export function number(n: number): string {
  return COUNT.format(n);
}

/** A share of 1 in whole hundredths: "30 %". */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Bytes in the unit a person would choose. */
export function bytes(n: number): string {
  if (n < 1000) return count(n, 'byte');
  if (n < 1e6) return `${Math.round(n / 1e3)} kB`;
  return `${(n / 1e6).toFixed(1)} MB`;
}

/** A duration: "320 ms", "4.2 s", "3 min". */
export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
}

export function when(iso: string): string {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? iso : DATE.format(time);
}

/** The time of day: "10:42". */
export function clock(time: number | string): string {
  const at = new Date(time);
  return Number.isNaN(at.getTime()) ? String(time) : CLOCK.format(at);
}

export function money(usd: number): string {
  return usd > 0 && usd < 0.01 ? '< 0.01 USD' : `${usd.toFixed(2)} USD`;
}
