import type { Extensions } from '@tiptap/core';
import { Collaboration } from '@tiptap/extension-collaboration';
import { DragHandle } from '@tiptap/extension-drag-handle';
import { TableKit } from '@tiptap/extension-table';
import { Placeholder } from '@tiptap/extensions';
import { OrderedList } from '@tiptap/extension-list';
import StarterKit from '@tiptap/starter-kit';
import type { Awareness } from 'y-protocols/awareness';
import type * as Y from 'yjs';

import type { CitationEvidence, PassageChoice } from '../model';
import { FIELD } from '../schema';
import type { Author } from '../suggestions';
import { action } from './action';
import { blockId } from './blockId';
import { caret } from './caret';
import { citation } from './citation';
import { cite } from './cite';
import { claims } from './claims';
import { clipboard } from './clipboard';
import { comments } from './comments';
import { copies } from './copies';
import { elsewhere } from './elsewhere';
import { find } from './find';
import { focus } from './focus';
import { image } from './image';
import { link } from './link';
import { once } from './once';
import { origin } from './origin';
import { presence } from './presence';
import { prompt } from './prompt';
import { reveal } from './reveal';
import { rewrites } from './rewrites';
import { slash } from './slash';
import { suggest } from './suggest';
import { suggestSchema } from './suggestSchema';
import { tableKeys } from './tableKeys';

/** What the document needs from around it. */
export interface EditorWorld {
  doc: Y.Doc;
  awareness: Awareness;
  user: { name: string; color: string };
  /** Who suggests, asked for each suggestion; told apart by id. */
  author?: () => Author;
  /** What a block is dragged by. */
  grip: HTMLElement;
  evidence: (cite: string) => CitationEvidence | undefined;
  onSelectCitation: (cite: string, block: string) => void;
  onCitations: (order: readonly string[]) => void;
  searchPassages: (query: string) => Promise<readonly PassageChoice[]>;
  citePassage: (choice: PassageChoice, claim: string) => Promise<string>;
  uploadImage: (file: File) => Promise<{ src: string }>;
  pickImages: () => Promise<readonly File[]>;
  onProblem: (message: string) => void;
  /** A message for the page's polite live region. */
  say?: (message: string) => void;
}

// Nothing may keep a suggestion from being marked: neither code nor what stands in a block of it.
const starter = StarterKit.extend({
  addExtensions() {
    return (this.parent?.() ?? []).map((extension) => {
      if (extension.name === 'code')
        return extension.extend({ excludes: 'bold italic underline strike link code' });
      if (extension.name === 'codeBlock') return extension.extend({ marks: 'insertion deletion' });
      return extension;
    });
  },
});

// Lists carry their start and nothing else: exporters have no use for the letters a list may count in.
const orderedList = OrderedList.extend({
  addAttributes() {
    return {
      start: {
        default: 1,
        parseHTML: (element) => Number(element.getAttribute('start') ?? 1) || 1,
      },
    };
  },
});

/** Every extension of the brief's editor. A feature is one file and one line here. */
export function briefExtensions(world: EditorWorld): Extensions {
  const { evidence, onProblem } = world;
  const body = world.doc.getXmlFragment(FIELD);
  return [
    starter.configure({
      heading: { levels: [1, 2, 3, 4] },
      // Undo is of one's own changes only, which the shared document keeps.
      undoRedo: false,
      // Every client would add its own paragraph.
      trailingNode: false,
      link: false,
      orderedList: false,
      dropcursor: { class: 'editor-dropcursor', width: 2, color: false },
    }),
    orderedList,
    link,
    focus,
    tableKeys.configure(world.say ? { announce: world.say } : {}),
    TableKit.configure({ table: { resizable: false, cellMinWidth: 80 } }),
    blockId,
    origin,
    prompt,
    copies.configure({
      body,
      present: () => new Set(world.awareness.getStates().keys()),
    }),
    once.configure({ body }),
    rewrites.configure({ body }),
    Collaboration.configure({ document: world.doc, field: FIELD }),
    caret,
    presence.configure({ provider: { awareness: world.awareness }, user: world.user }),
    action,
    elsewhere,
    image.configure({ upload: world.uploadImage, onProblem }),
    citation.configure({
      evidence,
      onSelect: world.onSelectCitation,
      onOrder: world.onCitations,
    }),
    claims,
    comments,
    suggestSchema,
    suggest.configure({
      ...(world.author ? { author: world.author } : {}),
      ...(world.say ? { say: world.say } : {}),
    }),
    clipboard.configure({ evidence, onProblem }),
    slash.configure({ pickImages: world.pickImages }),
    cite.configure({ search: world.searchPassages, cite: world.citePassage, onProblem }),
    find,
    reveal,
    // From the start: an editor that is given a plugin later draws its whole document again.
    DragHandle.configure({ render: () => world.grip }),
    Placeholder.configure({
      placeholder: ({ node }) => {
        if (node.type.name === 'heading') return 'Heading';
        if (node.type.name === 'action') return 'What is to be done';
        return 'Write, “/” for blocks, “[[” to cite';
      },
    }),
  ];
}
