import type { Editor } from '@tiptap/core';
import type { Node } from '@tiptap/pm/model';
import * as Y from 'yjs';

import { suggestState } from '../extensions/suggest';
import { openEditor } from '../testEditor';
import { deletionOf, insertionOf, tokensOf } from './inline';
import { nodeStamp } from './model';

/** An editor whose person goes by this name; suggesting from the start unless told otherwise. */
export function openSuggesting(name: string, doc = new Y.Doc(), suggesting = true): Editor {
  const author = { id: name.toLowerCase(), name, kind: 'person', color: '#2c6fbb' } as const;
  const editor = openEditor(doc, { author: () => author });
  if (suggesting) editor.commands.setSuggesting(true);
  return editor;
}

/** Fills an editor with what is agreed on. */
export function agree(
  editor: Editor,
  content: Parameters<Editor['commands']['setContent']>[0],
): void {
  const { on } = suggestState(editor.state);
  editor.commands.setSuggesting(false);
  editor.commands.setContent(content);
  editor.commands.setSuggesting(on);
}

/** Each block as text, [+words+] put in and [-words-] struck out. */
export function marked(editor: Editor): string[] {
  const lines: string[] = [];
  editor.state.doc.descendants((node) => {
    const own = (['inserted', 'deleted', 'split', 'joined', 'changed'] as const)
      .filter((kind) => nodeStamp(node, kind))
      .map((kind) => `${kind}:`)
      .join('');
    if (!node.isTextblock) {
      if (own) lines.push(`${node.type.name} ${own}`);
      return !node.isTextblock;
    }
    lines.push(own + wordsOf(node));
    return false;
  });
  return lines;
}

function wordsOf(node: Node): string {
  let out = '';
  let state = '';
  for (const token of [...tokensOf(node), null]) {
    const next = token ? (insertionOf(token) ? '+' : '') + (deletionOf(token) ? '-' : '') : '';
    if (next !== state) {
      if (state) out += `${state}]`;
      if (next) out += `[${next}`;
      state = next;
    }
    out += token?.text ?? (token ? '•' : '');
  }
  return out;
}

/** Type and text of each text block, citations as bullets. */
export function textsOf(doc: Node): string[] {
  const lines: string[] = [];
  doc.descendants((node) => {
    if (node.isTextblock)
      lines.push(`${node.type.name}: ${node.textBetween(0, node.content.size, '', '•')}`);
    return !node.isTextblock;
  });
  return lines;
}

/** Exchanges everything between two documents, as a room would. */
export function meet(a: Y.Doc, b: Y.Doc): void {
  Y.applyUpdate(a, Y.encodeStateAsUpdate(b, Y.encodeStateVector(a)), 'room');
  Y.applyUpdate(b, Y.encodeStateAsUpdate(a, Y.encodeStateVector(b)), 'room');
}
