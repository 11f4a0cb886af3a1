import { useEffect, useState } from 'react';

import { when } from './words';

const MINUTE = 60_000;

/** "just now", "5 min ago", "3 h ago", and after a day the date. */
export function ago(iso: string, now: number): string {
  const minutes = Math.floor((now - Date.parse(iso)) / MINUTE);
  if (!(minutes < 24 * 60)) return when(iso);
  if (minutes < 1) return 'just now';
  return minutes < 60 ? `${minutes} min ago` : `${Math.floor(minutes / 60)} h ago`;
}

/** How long ago something was; the exact time on hover. */
export function Ago({ at }: { at: string }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), MINUTE);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={at} title={when(at)}>
      {ago(at, now)}
    </time>
  );
}
