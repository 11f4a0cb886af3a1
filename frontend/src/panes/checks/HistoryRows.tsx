import { memo } from 'react';

import type { BriefDifference, DifferenceRow, WordRun } from '../../api';
import { classes } from '../../ui/classes';

interface HistoryRowsProps {
  difference: BriefDifference;
  /** Whether what went and came is shown, or only what the version says. */
  marked: boolean;
}

/** A version read-only, with what changed in it. */
export const HistoryRows = memo(function HistoryRows({ difference, marked }: HistoryRowsProps) {
  const rows = marked
    ? difference.rows
    : difference.rows.filter(({ change }) => change !== 'removed');
  return (
    <div className="flex flex-col gap-2 text-[14px] leading-relaxed [overflow-wrap:anywhere]">
      <h4 className="pl-[13px] font-serif text-lg leading-snug font-semibold">
        <Words runs={difference.title} marked={marked} />
      </h4>
      {rows.map((row, at) => (
        <Row key={`${row.block} ${at}`} row={row} marked={marked} />
      ))}
    </div>
  );
});

const EDGES: Record<DifferenceRow['change'], string> = {
  same: 'border-transparent',
  added: 'border-ok',
  removed: 'border-bad',
  changed: 'border-warn',
};

function Row({ row, marked }: { row: DifferenceRow; marked: boolean }) {
  const touched = marked && (row.change !== 'same' || row.moved);
  const changed = classes(
    'border-l-3 pl-2.5',
    touched ? (row.change === 'same' ? 'border-border-strong' : EDGES[row.change]) : EDGES.same,
  );
  return (
    <div className={changed} {...(touched && { 'data-change': row.change })}>
      {touched && <p className="text-[11px] font-medium text-muted">{row.label}</p>}
      <Block row={row} marked={marked} />
    </div>
  );
}

function Block({ row, marked }: { row: DifferenceRow; marked: boolean }) {
  const words = <Words runs={row.runs} marked={marked} />;
  const depth = row.within.filter((type) => type === 'listItem').length;
  switch (row.type) {
    case 'heading':
      return <h5 className="mt-1 font-serif text-[15px] font-semibold">{words}</h5>;
    case 'codeBlock':
      return (
        <pre className="overflow-auto rounded-md bg-surface-2 p-2 font-mono text-[12px]">
          {words}
        </pre>
      );
    case 'horizontalRule':
      return <hr className="my-2 border-border" />;
    case 'image':
      return (
        <p className="text-[13px] text-muted italic">Picture: {said(row, 'alt', 'no text')}</p>
      );
    case 'action': {
      const facts = ['status', 'owner', 'due'].map((name) => said(row, name, '')).filter(Boolean);
      return (
        <p>
          {words}
          <span className="ml-2 text-xs text-muted">{facts.join(' · ')}</span>
        </p>
      );
    }
    default:
      return (
        <p
          style={depth > 0 ? { paddingInlineStart: `${depth}em` } : undefined}
          className={classes(row.within.includes('blockquote') && 'text-muted italic')}
        >
          {depth > 0 && <span aria-hidden="true">• </span>}
          {words}
        </p>
      );
  }
}

function said(row: DifferenceRow, name: string, otherwise: string): string {
  const value = row.attrs[name];
  return value === null || value === undefined || value === '' ? otherwise : String(value);
}

function Words({ runs, marked }: { runs: readonly WordRun[]; marked: boolean }) {
  return runs
    .filter(({ how }) => marked || how !== 'deleted')
    .map((run, at) => <Run key={at} run={run} marked={marked} />);
}

const LOOKS: Record<string, string> = {
  bold: 'font-semibold',
  italic: 'italic',
  underline: 'underline',
  strike: 'line-through',
  code: 'font-mono text-[0.9em]',
  link: 'text-accent underline',
};

function Run({ run, marked }: { run: WordRun; marked: boolean }) {
  const look = classes(...run.marks.map((mark) => LOOKS[mark]));
  const words =
    run.cite !== null ? (
      <sup title="Citation">[cited]</sup>
    ) : (
      <span className={look}>{run.text}</span>
    );
  if (!marked || run.how === 'same') return words;
  if (run.how === 'inserted')
    return (
      <ins className="bg-ok-soft decoration-ok">
        <span className="sr-only">inserted: </span>
        {words}
      </ins>
    );
  if (run.how === 'deleted')
    return (
      <del className="bg-bad-soft decoration-bad">
        <span className="sr-only">deleted: </span>
        {words}
      </del>
    );
  return (
    <span className="border-b-2 border-dotted border-warn" title="Formatting changed">
      <span className="sr-only">formatting changed: </span>
      {words}
    </span>
  );
}
