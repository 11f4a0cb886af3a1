import { Extension } from '@tiptap/core';
import { PluginKey } from '@tiptap/pm/state';
import { Suggestion } from '@tiptap/suggestion';

import { type Choice, openListbox } from '../listbox';
import type { PassageChoice } from '../model';
import { sentenceBefore } from '../sentences';

export interface CiteOptions {
  search: (query: string) => Promise<readonly PassageChoice[]>;
  /** Makes the evidence record of what carries a claim in a passage; returns its citation id. */
  cite: (choice: PassageChoice, claim: string) => Promise<string>;
  onProblem: (message: string) => void;
}

interface Offer extends Choice {
  passage: PassageChoice;
}

const OPEN = /\[\[([^[\]\n]{0,120})$/;

function offer(passage: PassageChoice): Offer {
  const text = passage.text.replace(/\s+/g, ' ').trim();
  return {
    title: passage.source_title,
    hint: passage.page ? `p. ${passage.page}` : '',
    detail: text.length > 180 ? `${text.slice(0, 179)}…` : text,
    passage,
  };
}

/** `[[` and a few words look for a passage and cite it. */
export const cite = Extension.create<CiteOptions>({
  name: 'cite',

  addOptions() {
    return {
      search: () => Promise.resolve([]),
      cite: () => Promise.reject(new Error('Nothing can be cited here.')),
      onProblem: () => undefined,
    };
  },

  addProseMirrorPlugins() {
    const { options } = this;
    return [
      Suggestion<Offer, Offer>({
        pluginKey: new PluginKey('cite'),
        editor: this.editor,
        char: '[[',
        allowSpaces: true,
        debounce: 120,
        findSuggestionMatch: ({ $position }) => {
          const before = $position.parent.textBetween(
            Math.max(0, $position.parentOffset - 130),
            $position.parentOffset,
            undefined,
            '\ufffc',
          );
          const found = OPEN.exec(before);
          if (!found) return null;
          const from = $position.pos - found[0].length;
          return { range: { from, to: $position.pos }, query: found[1] ?? '', text: found[0] };
        },
        allow: ({ state, range }) => !state.doc.resolve(range.from).parent.type.spec.code,
        items: async ({ query }) => {
          if (query.trim().length < 2) return [];
          try {
            return (await options.search(query.trim())).map(offer);
          } catch (error) {
            options.onProblem(error instanceof Error ? error.message : 'The search failed.');
            return [];
          }
        },
        command: ({ editor, range, props }) => {
          editor.chain().focus().deleteRange(range).run();
          const { $from } = editor.state.selection;
          options.cite(props.passage, sentenceBefore($from.parent, $from.parentOffset)).then(
            (id) => {
              if (!editor.isDestroyed) editor.chain().focus().insertCitation(id).run();
            },
            (error: unknown) =>
              options.onProblem(
                error instanceof Error ? error.message : 'This passage could not be cited.',
              ),
          );
        },
        render: () =>
          openListbox<Offer>('Passages', (query) =>
            query.trim().length < 2
              ? 'Type a few words to find a passage to cite.'
              : `No passage found for “${query.trim()}”.`,
          ),
      }),
    ];
  },
});
