import { Extension } from '@tiptap/core';
import { DOMSerializer, Fragment, type Node, type Schema, Slice } from '@tiptap/pm/model';
import { Plugin, PluginKey } from '@tiptap/pm/state';

import { numbered, reference } from '../citations';
import type { CitationEvidence } from '../model';
import { sliceOf } from '../markdown';
import { cleanPasted, tooLong } from '../paste';
import { newBlockId } from '../schema';

export interface ClipboardOptions {
  evidence: (cite: string) => CitationEvidence | undefined;
  onProblem: (message: string) => void;
}

function cited(fragment: Fragment): Map<string, number> {
  const found: { cite: string }[] = [];
  fragment.descendants((node) => {
    if (node.type.name === 'citation') found.push({ cite: node.attrs.cite as string });
  });
  return numbered(found);
}

function line(node: Node, numbers: Map<string, number>): string {
  let text = '';
  node.descendants((child) => {
    if (child.isText) text += child.text ?? '';
    else if (child.type.name === 'hardBreak') text += '\n';
    else if (child.type.name === 'citation')
      text += `[${numbers.get(child.attrs.cite as string) ?? '?'}]`;
  });
  return text;
}

function lines(node: Node, numbers: Map<string, number>, indent: string): string[] {
  if (node.isTextblock) return [indent + line(node, numbers)];
  switch (node.type.name) {
    case 'horizontalRule':
      return ['—'];
    case 'image':
      return [`[${String(node.attrs.alt || 'picture')}]`];
    case 'tableRow': {
      const cells: string[] = [];
      node.forEach((cell) => cells.push(lines(cell, numbers, '').join(' ')));
      return [cells.join('\t')];
    }
    case 'bulletList':
    case 'orderedList': {
      const all: string[] = [];
      const first = Number(node.attrs.start ?? 1);
      node.forEach((item, _, index) => {
        const marker = node.type.name === 'bulletList' ? '• ' : `${first + index}. `;
        const [head = '', ...rest] = lines(item, numbers, '');
        all.push(`${indent}${marker}${head}`, ...rest.map((one) => `${indent}  ${one}`));
      });
      return all;
    }
    default: {
      const all: string[] = [];
      node.forEach((child) => all.push(...lines(child, numbers, indent)));
      return all;
    }
  }
}

/** Plain text of a piece of a brief: citations are [1], [2], and a list of references follows. */
export function textOf(fragment: Fragment, evidence: ClipboardOptions['evidence']): string {
  const numbers = cited(fragment);
  const all: string[] = [];
  let inline = '';
  fragment.forEach((node) => {
    if (node.isInline) {
      if (node.isText) inline += node.text ?? '';
      else if (node.type.name === 'citation')
        inline += `[${numbers.get(node.attrs.cite as string) ?? '?'}]`;
    } else all.push(lines(node, numbers, '').join('\n'));
  });
  const words = inline || all.join('\n\n');
  if (numbers.size === 0) return words;
  const list = [...numbers].map(([cite, number]) => `[${number}] ${reference(evidence(cite))}`);
  return `${words}\n\nReferences\n${list.join('\n')}`;
}

/** Writes HTML that our own editor reads back as citations and any other shows as references. */
export class ReferenceSerializer extends DOMSerializer {
  constructor(
    schema: Schema,
    private readonly evidence: ClipboardOptions['evidence'],
  ) {
    const { nodes, marks } = DOMSerializer.fromSchema(schema);
    super(nodes, marks);
  }

  override serializeFragment(
    fragment: Fragment,
    options?: { document?: Document },
    target?: HTMLElement | DocumentFragment,
  ): HTMLElement | DocumentFragment {
    const out = super.serializeFragment(fragment, options, target);
    // Called again by the base class for the inside of each node, always with a target.
    if (target) return out;
    const numbers = cited(fragment);
    for (const sup of out.querySelectorAll('sup[data-cite]'))
      sup.textContent = `[${numbers.get(sup.getAttribute('data-cite') ?? '') ?? '?'}]`;
    if (numbers.size === 0) return out;
    const page = options?.document ?? document;
    const section = page.createElement('div');
    section.setAttribute('data-references', '');
    const title = page.createElement('p');
    title.textContent = 'References';
    section.append(title);
    for (const [cite, number] of numbers) {
      const entry = page.createElement('p');
      entry.textContent = `[${number}] ${reference(this.evidence(cite))}`;
      section.append(entry);
    }
    out.append(section);
    return out;
  }
}

/** Blocks with ids from the start: to number thousands of them one by one would take seconds. */
function numberedBlocks(fragment: Fragment): Fragment {
  const nodes = fragment.content.map((node) => {
    if (node.isText) return node;
    const isNew = 'id' in node.attrs && node.attrs.id === null;
    const attrs = isNew ? { ...node.attrs, id: newBlockId() } : node.attrs;
    return node.type.create(attrs, numberedBlocks(node.content), node.marks);
  });
  return Fragment.from(nodes);
}

/** Copies citations out as numbered references and back in as citations. */
export const clipboard = Extension.create<ClipboardOptions>({
  name: 'clipboard',

  addOptions() {
    return { evidence: () => undefined, onProblem: () => undefined };
  },

  addProseMirrorPlugins() {
    const { evidence, onProblem } = this.options;
    const refuse = (event: Event, data: DataTransfer | null) => {
      const lengths = ['text/html', 'text/plain'].map((kind) => data?.getData(kind).length ?? 0);
      const message = tooLong(Math.max(...lengths));
      if (message === null) return false;
      event.preventDefault();
      onProblem(message);
      return true;
    };
    return [
      new Plugin({
        key: new PluginKey('clipboard'),
        props: {
          clipboardTextSerializer: (slice) => textOf(slice.content, evidence),
          clipboardSerializer: new ReferenceSerializer(this.editor.schema, evidence),
          transformPastedHTML: cleanPasted,
          transformPasted: (slice) =>
            new Slice(numberedBlocks(slice.content), slice.openStart, slice.openEnd),
          clipboardTextParser: (text, _context, plain, view) =>
            // Without a slice of ours the text is read as it stands, line by line.
            (plain ? null : sliceOf(text, view.state.schema)) as Slice,
          handleDOMEvents: {
            paste: (_, event) => refuse(event, event.clipboardData),
            drop: (_, event) => refuse(event, event.dataTransfer),
          },
        },
      }),
    ];
  },
});
