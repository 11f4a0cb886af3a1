import type { JSONContent } from '@tiptap/core';
import { Fragment, type Schema, Slice } from '@tiptap/pm/model';

import { isSafeLink } from './extensions/link';

/** The first line of what a person writes only on purpose. */
const STRUCTURE =
  /^(#{1,6} \S|\s*[-*+] \S|\s*\d{1,9}[.)] \S|> ?\S|(```|~~~)|\|.*\|\s*$|(-{3,}|\*{3,}|_{3,})\s*$)/m;
const EMPHASIS = /\*\*\S[^*\n]*\*\*|\[[^\]\n]+\]\([^)\s]+\)|`[^`\n]+`|~~\S[^~\n]*~~/;

const DEEPEST = 9; // lists and quotes within each other

/** Text as the blocks its Markdown means; null where it is no Markdown. */
export function sliceOf(text: string, schema: Schema): Slice | null {
  if (!STRUCTURE.test(text) && !EMPHASIS.test(text)) return null;
  const content = Fragment.fromJSON(schema, markdownBlocks(text));
  return content.size > 0 ? Slice.maxOpen(content) : null;
}

/** The blocks that a text in Markdown means. */
export function markdownBlocks(text: string): JSONContent[] {
  return blocksOf(text.replace(/\r\n?/g, '\n').split('\n'), 0);
}

const FENCE = /^ {0,3}(```+|~~~+)\s*([\w+#-]*)/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^ {0,3}(-\s*){3,}$|^ {0,3}(\*\s*){3,}$|^ {0,3}(_\s*){3,}$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const TASK = /^\[([ xX])\]\s+/;
const ROW = /^\s*\|(.+)\|\s*$/;
const LINE_OF_TABLE = /^\s*\|?(\s*:?-+:?\s*\|)+(\s*:?-+:?\s*)?$/;

function blocksOf(lines: readonly string[], depth: number): JSONContent[] {
  const blocks: JSONContent[] = [];
  const at = (n: number) => lines[n] ?? '';
  const endOf = (n: number, test: (line: string, next: string) => boolean) => {
    let end = n;
    while (end < lines.length && test(at(end), at(end + 1))) end += 1;
    return end;
  };
  for (let n = 0; n < lines.length;) {
    const line = at(n);
    const fence = FENCE.exec(line);
    const heading = HEADING.exec(line);
    if (!line.trim()) n += 1;
    else if (fence) {
      const end = endOf(n + 1, (next) => !next.trimStart().startsWith(fence[1] ?? '```'));
      blocks.push(code(lines.slice(n + 1, end).join('\n'), fence[2] ?? ''));
      n = end + 1;
    } else if (heading) {
      const level = Math.min(4, heading[1]?.length ?? 1);
      blocks.push({ type: 'heading', attrs: { level }, content: inline(heading[2] ?? '') });
      n += 1;
    } else if (RULE.test(line)) {
      blocks.push({ type: 'horizontalRule' });
      n += 1;
    } else if (QUOTE.test(line) && depth < DEEPEST) {
      const end = endOf(n, (next) => QUOTE.test(next));
      const inner = blocksOf(
        lines.slice(n, end).map((quoted) => quoted.replace(QUOTE, '')),
        depth + 1,
      );
      blocks.push({ type: 'blockquote', content: inner.length > 0 ? inner : [paragraph('')] });
      n = end;
    } else if (ITEM.test(line) && depth < DEEPEST) {
      const belongs = (next: string) => ITEM.test(next) || /^\s+\S/.test(next);
      const end = endOf(n, (next, after) => belongs(next) || (!next.trim() && belongs(after)));
      blocks.push(...lists(lines.slice(n, end), depth));
      n = end;
    } else if (ROW.test(line) && LINE_OF_TABLE.test(at(n + 1))) {
      const end = endOf(n + 2, (next) => ROW.test(next));
      blocks.push(table([line, ...lines.slice(n + 2, end)]));
      n = end;
    } else {
      const end = Math.max(
        n + 1,
        endOf(n, (next) => next.trim() !== '' && !STRUCTURE.test(next)),
      );
      blocks.push(
        paragraph(
          lines
            .slice(n, end)
            .map((part) => part.trim())
            .join(' '),
        ),
      );
      n = end;
    }
  }
  return blocks;
}

interface Item {
  ordered: boolean;
  start: number;
  head: string;
  rest: string[];
}

/** Items of one indentation; what is indented further belongs to the item above it. */
function lists(lines: readonly string[], depth: number): JSONContent[] {
  const outer = /^\s*/.exec(lines[0] ?? '')?.[0].length ?? 0;
  const items: Item[] = [];
  for (const line of lines) {
    const [, indent = '', sign = '', head = ''] = ITEM.exec(line) ?? [];
    const above = items.at(-1);
    if (sign && (indent.length <= outer + 1 || !above))
      items.push({
        ordered: /\d/.test(sign),
        start: Number.parseInt(sign, 10) || 1,
        head,
        rest: [],
      });
    else above?.rest.push(line);
  }
  const blocks: JSONContent[] = [];
  let ordered: boolean | null = null;
  for (const item of items) {
    if (TASK.test(item.head) && item.rest.length === 0) {
      blocks.push(task(item.head));
      ordered = null;
      continue;
    }
    if (ordered !== item.ordered)
      blocks.push(
        item.ordered
          ? { type: 'orderedList', attrs: { start: item.start }, content: [] }
          : { type: 'bulletList', content: [] },
      );
    ordered = item.ordered;
    const inner = blocksOf(
      item.rest.map((line) => (ITEM.test(line) ? line : line.trim())),
      depth + 1,
    );
    blocks.at(-1)?.content?.push({ type: 'listItem', content: [paragraph(item.head), ...inner] });
  }
  return blocks;
}

function task(head: string): JSONContent {
  const status = /^\[x/i.test(head) ? 'done' : 'open';
  return { type: 'action', attrs: { status }, content: inline(head.replace(TASK, '')) };
}

function table(lines: readonly string[]): JSONContent {
  const rows = lines.map((line) =>
    (ROW.exec(line)?.[1] ?? '').split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, '|')),
  );
  const width = Math.max(...rows.map((row) => row.length));
  return {
    type: 'table',
    content: rows.map((row, n) => ({
      type: 'tableRow',
      content: Array.from({ length: width }, (_, column) => ({
        type: n === 0 ? 'tableHeader' : 'tableCell',
        content: [paragraph(row[column] ?? '')],
      })),
    })),
  };
}

function code(text: string, language: string): JSONContent {
  const content = text ? [{ type: 'text', text }] : [];
  return { type: 'codeBlock', attrs: { language: language || null }, content };
}

function paragraph(text: string): JSONContent {
  return { type: 'paragraph', content: inline(text) };
}

/** In this order: an escaped sign, code, a picture, a link, bold, struck through, italic. */
const INLINE =
  /\\([\\`*_{}[\]()#+.!|~>-])|`([^`\n]+)`|!\[([^\]\n]*)\]\([^)\n]*\)|\[([^\]\n]+)\]\(((?:[^()\s]|\([^()\s]*\))+)[^)\n]*\)|(\*\*|__)(?=\S)(.+?)(?<=\S)\6|(~~)(?=\S)(.+?)(?<=\S)~~|(?<![\w*])([*_])(?=\S)(.+?)(?<=\S)\10(?![\w*])/;

type Marks = NonNullable<JSONContent['marks']>;

/** Longer lines are no prose, and their marks would take long to pair. */
const LONGEST_LINE = 10_000;

/** The runs of a line with their marks. */
function inline(text: string, marks: Marks = []): JSONContent[] {
  const runs: JSONContent[] = [];
  const run = (words: string, more: Marks = []) => {
    if (words) runs.push({ type: 'text', text: words, marks: [...marks, ...more] });
  };
  const inner = (words: string, mark: Marks[number]) => {
    runs.push(...inline(words, [...marks, mark]));
  };
  let rest = text;
  for (;;) {
    const found = rest.length > LONGEST_LINE ? null : INLINE.exec(rest);
    if (!found) break;
    const [all, escaped, verbatim, alt, name, href, , strong, , struck, , slanted] = found;
    run(rest.slice(0, found.index));
    rest = rest.slice(found.index + all.length);
    if (escaped !== undefined) run(escaped);
    else if (verbatim !== undefined) run(verbatim, [{ type: 'code' }]);
    else if (alt !== undefined) run(alt && `[${alt}]`);
    else if (name !== undefined && href !== undefined) {
      if (isSafeLink(href)) inner(name, { type: 'link', attrs: { href } });
      else run(name);
    } else if (strong !== undefined) inner(strong, { type: 'bold' });
    else if (struck !== undefined) inner(struck, { type: 'strike' });
    else inner(slanted ?? '', { type: 'italic' });
  }
  run(rest);
  return runs;
}
