import { Extension, Mark } from '@tiptap/core';

import { BLOCKS } from '../schema';
import {
  colorOf,
  INLINE_KINDS,
  type InlineKind,
  MARKED_ATOMS,
  stampOf,
} from '../suggestions/model';

const HIDDEN = { default: null, rendered: false, parseHTML: () => null };

const TAGS: Record<InlineKind, string> = { insertion: 'ins', deletion: 'del', formatting: 'span' };
const SAYS: Record<InlineKind, string> = {
  insertion: 'suggests to add this',
  deletion: 'suggests to delete this',
  formatting: 'suggests to format this',
};

function markFor(kind: InlineKind) {
  return Mark.create({
    name: kind,
    inclusive: false,
    keepOnSplit: false,
    // Over links and formatting, so that a suggestion is drawn around them.
    priority: 2000,

    addAttributes() {
      const text = { default: '', rendered: false, parseHTML: () => '' };
      return {
        id: text,
        author: text,
        name: text,
        kind: { ...text, default: 'person' },
        at: text,
        color: text,
        ...(kind === 'formatting' ? { before: text } : {}),
      };
    },

    // Suggestions are made by writing; none comes in with what is pasted.
    parseHTML: () => [{ tag: `${TAGS[kind]}[data-suggestion="${kind}"]` }],

    renderHTML({ mark }) {
      const stamp = stampOf(mark.attrs);
      const color = colorOf(stamp);
      return [
        TAGS[kind],
        {
          'data-suggestion': kind,
          'data-suggested': stamp.id,
          'data-by': stamp.kind,
          title: `${stamp.name} ${SAYS[kind]}`,
          'aria-description': `${stamp.name} ${SAYS[kind]}`,
          ...(color ? { style: `--suggested: ${color}` } : {}),
        },
        0,
      ];
    },
  });
}

/** The marks and attributes in which suggestions stand in the shared document. */
export const suggestSchema = Extension.create({
  name: 'suggestSchema',

  addExtensions() {
    return INLINE_KINDS.map(markFor);
  },

  addGlobalAttributes() {
    return [
      {
        types: [...BLOCKS, ...MARKED_ATOMS],
        attributes: { inserted: HIDDEN, deleted: HIDDEN },
      },
      {
        types: [...BLOCKS],
        attributes: {
          changed: HIDDEN,
          // The second half of a split is no second half of what it was split from itself.
          split: { ...HIDDEN, keepOnSplit: false },
          joined: { ...HIDDEN, keepOnSplit: false },
        },
      },
    ];
  },
});
