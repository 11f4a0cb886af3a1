import { Editor, type JSONContent } from '@tiptap/core';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';

import { briefExtensions, type EditorWorld } from './extensions';
import type { CitationEvidence } from './model';
import { FIELD } from './schema';

export function evidenceOf(cite: string): CitationEvidence {
  return {
    id: cite,
    source_title: `Report ${cite}`,
    page: 14,
    quote: `quote of ${cite}`,
    state: 'current',
  };
}

/** A real editor on a document of its own, for tests. */
export function openEditor(doc = new Y.Doc(), world: Partial<EditorWorld> = {}): Editor {
  const refuse = () => Promise.reject(new Error('not in this test'));
  return new Editor({
    element: document.body.appendChild(document.createElement('div')),
    extensions: briefExtensions({
      doc,
      awareness: new Awareness(doc),
      user: { name: 'Ada', color: '#336699' },
      grip: document.createElement('div'),
      evidence: evidenceOf,
      onSelectCitation: () => undefined,
      onCitations: () => undefined,
      searchPassages: () => Promise.resolve([]),
      citePassage: refuse,
      uploadImage: refuse,
      pickImages: () => Promise.resolve([]),
      onProblem: () => undefined,
      ...world,
    }),
  });
}

export function paragraph(id: string, ...inline: (string | { cite: string })[]): JSONContent {
  return {
    type: 'paragraph',
    attrs: { id },
    content: inline.map((part) =>
      typeof part === 'string'
        ? { type: 'text', text: part }
        : { type: 'citation', attrs: { cite: part.cite } },
    ),
  };
}

/** The ids of all blocks, in reading order. */
export function idsOf(editor: Editor): string[] {
  const ids: string[] = [];
  editor.state.doc.descendants((node) => {
    if (node.isBlock) ids.push(String(node.attrs.id));
  });
  return ids;
}

export function bodyOf(doc: Y.Doc): Y.XmlFragment {
  return doc.getXmlFragment(FIELD);
}

/** Where a text begins in the document. */
export function placeOf(editor: Editor, text: string): number {
  let found = -1;
  editor.state.doc.descendants((node, pos) => {
    const at = node.isText ? (node.text ?? '').indexOf(text) : -1;
    if (found < 0 && at >= 0) found = pos + at;
  });
  if (found < 0) throw new Error(`“${text}” is not in the document`);
  return found;
}
