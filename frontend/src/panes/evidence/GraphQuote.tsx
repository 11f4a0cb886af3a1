import type { Quoted } from '../../api';
import { select } from '../../desk';

/** The way into the reader, at these words. */
export function GraphPlace({ quoted }: { quoted: Quoted }) {
  const { source, version, start, end } = quoted;
  return (
    <button
      type="button"
      className="max-w-full truncate text-left text-xs font-medium text-accent hover:underline"
      onClick={() => select({ kind: 'at', source, version, start, end })}
    >
      {quoted.source_title}
      {quoted.page !== null && `, p. ${quoted.page}`}
    </button>
  );
}

/** Words as they stand in a source; a click opens them there. */
export function GraphQuote({ quoted }: { quoted: Quoted }) {
  const { source, version, start, end } = quoted;
  return (
    <button
      type="button"
      className="group/quote block w-full border-l-2 border-border-strong pl-2.5 text-left hover:border-accent"
      onClick={() => select({ kind: 'at', source, version, start, end })}
    >
      <span className="line-clamp-4 font-serif text-[13.5px] leading-relaxed whitespace-pre-line">
        {quoted.quote}
      </span>
      <span className="text-xs font-medium text-accent group-hover/quote:underline">
        {quoted.source_title}
        {quoted.page !== null && `, p. ${quoted.page}`}
      </span>
    </button>
  );
}
