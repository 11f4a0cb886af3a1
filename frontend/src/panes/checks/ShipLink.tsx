import { ExternalLink } from 'lucide-react';

/**
 * The way to an object over there. A page may not open the files of a server, so of a file it tells
 * where it lies; what is neither is not shown.
 */
export function ShipLink({ url, about }: { url: string; about: string }) {
  if (/^https?:\/\//i.test(url))
    return (
      <a
        href={url}
        target="_blank"
        rel="noreferrer"
        className="inline-flex items-center gap-0.5 text-xs text-accent hover:underline"
      >
        Open <ExternalLink size={11} aria-hidden />
        <span className="sr-only">{about} over there</span>
      </a>
    );
  if (/^file:\/\//i.test(url))
    return <code className="text-[11px] text-muted [overflow-wrap:anywhere]">{pathOf(url)}</code>;
  return null;
}

function pathOf(url: string): string {
  const path = url.replace(/^file:\/\//i, '');
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
