import type { JSONContent } from '@tiptap/core';
import { memo, type ReactNode } from 'react';

import { isSafeLink, markdownBlocks } from '../../editor';
import { classes } from '../../ui/classes';

/** Markdown as it reads. Nothing of it is taken for HTML, and no picture is fetched. */
export const ShipWords = memo(function ShipWords({ text }: { text: string }) {
  return (
    <div className="flex flex-col gap-1.5 text-[13px] leading-relaxed [overflow-wrap:anywhere]">
      {drawn(markdownBlocks(text))}
    </div>
  );
});

function drawn(nodes: readonly JSONContent[] | undefined): ReactNode[] {
  return (nodes ?? []).map((node, at) => <Drawn key={at} node={node} />);
}

function Drawn({ node }: { node: JSONContent }) {
  const inner = drawn(node.content);
  switch (node.type) {
    case 'text':
      return <Run node={node} />;
    // Not headings of the page: they belong to what is shown of another.
    case 'heading':
      return (
        <p className={classes('font-semibold', node.attrs?.['level'] === 1 && 'text-[15px]')}>
          {inner}
        </p>
      );
    case 'bulletList':
      return <ul className="list-disc pl-5">{inner}</ul>;
    case 'orderedList':
      return (
        <ol className="list-decimal pl-5" start={Number(node.attrs?.['start'] ?? 1)}>
          {inner}
        </ol>
      );
    case 'listItem':
      return <li>{inner}</li>;
    case 'blockquote':
      return <blockquote className="border-l-2 border-border pl-3 text-muted">{inner}</blockquote>;
    case 'codeBlock':
      return (
        <pre className="overflow-auto rounded-sm bg-surface-2 p-2 font-mono text-[12px]">
          {inner}
        </pre>
      );
    case 'horizontalRule':
      return <hr className="border-border" />;
    case 'table':
      return (
        <table className="w-full border-collapse text-left">
          <tbody>{inner}</tbody>
        </table>
      );
    case 'tableRow':
      return <tr>{inner}</tr>;
    case 'tableHeader':
      return <th className="border border-border px-2 py-1 font-semibold">{inner}</th>;
    case 'tableCell':
      return <td className="border border-border px-2 py-1">{inner}</td>;
    case 'action':
      return (
        <p>
          {node.attrs?.['status'] === 'done' ? '☑ ' : '☐ '}
          {inner}
        </p>
      );
    default:
      return <p>{inner}</p>;
  }
}

const LOOKS: Record<string, string> = {
  bold: 'font-semibold',
  italic: 'italic',
  strike: 'line-through',
  code: 'rounded-sm bg-surface-2 px-0.5 font-mono text-[0.92em]',
};

function Run({ node }: { node: JSONContent }) {
  const marks = node.marks ?? [];
  const look = classes(...marks.map(({ type }) => LOOKS[type]));
  const href: unknown = marks.find(({ type }) => type === 'link')?.attrs?.['href'];
  if (typeof href === 'string' && isSafeLink(href))
    return (
      <a
        href={href}
        target="_blank"
        rel="noreferrer"
        className={classes('text-accent underline', look)}
      >
        {node.text}
      </a>
    );
  return look ? <span className={look}>{node.text}</span> : node.text;
}
