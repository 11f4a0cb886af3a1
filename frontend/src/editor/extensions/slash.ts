import { type Editor, Extension, type Range } from '@tiptap/core';
import { PluginKey } from '@tiptap/pm/state';
import { Suggestion } from '@tiptap/suggestion';

import { type Choice, openListbox } from '../listbox';

export interface SlashOptions {
  /** Asks the person for pictures; resolves to none when they change their mind. */
  pickImages: () => Promise<readonly File[]>;
}

interface Block extends Choice {
  words: string;
  run: (editor: Editor, range: Range) => void;
}

/** The blocks a person can insert, in the order of the menu. */
function blocksFor(options: SlashOptions): readonly Block[] {
  const block = (
    title: string,
    hint: string,
    words: string,
    run: (chain: ReturnType<Editor['chain']>) => ReturnType<Editor['chain']>,
  ): Block => ({
    title,
    hint,
    words,
    run: (editor, range) => void run(editor.chain().focus().deleteRange(range)).run(),
  });
  return [
    block('Text', '', 'paragraph plain', (c) => c.setParagraph()),
    block('Heading 1', '#', 'title h1', (c) => c.setNode('heading', { level: 1 })),
    block('Heading 2', '##', 'section h2', (c) => c.setNode('heading', { level: 2 })),
    block('Heading 3', '###', 'subsection h3', (c) => c.setNode('heading', { level: 3 })),
    block('Bullet list', '-', 'unordered points', (c) => c.toggleBulletList()),
    block('Numbered list', '1.', 'ordered steps', (c) => c.toggleOrderedList()),
    block('Action item', '[ ]', 'task todo owner due', (c) => c.setNode('action')),
    block('Table', '', 'grid rows columns', (c) =>
      c.insertTable({ rows: 3, cols: 3, withHeaderRow: true }),
    ),
    block('Quote', '>', 'blockquote', (c) => c.toggleBlockquote()),
    block('Code', '```', 'preformatted', (c) => c.toggleCodeBlock()),
    block('Divider', '---', 'horizontal rule line', (c) => c.setHorizontalRule()),
    block('Citation', '[[', 'cite source evidence', (c) => c.insertContent('[[')),
    {
      title: 'Picture',
      words: 'image photo upload figure',
      run: (editor, range) => {
        editor.chain().focus().deleteRange(range).run();
        void options.pickImages().then((files) => editor.commands.uploadImages(files));
      },
    },
  ];
}

// Single spaces, so that a title of two words can be typed; two of them are not for the menu.
const OPEN = /(?:^|[\s\ufffc])(\/((?:[^\s/]+(?: [^\s/]+)* ?)?))$/;

/** The blocks whose title holds what is typed, then those that each typed word could mean. */
function called(all: readonly Block[], query: string): Block[] {
  const wanted = query.trim().toLowerCase();
  const titled = all.filter(({ title }) => title.toLowerCase().includes(wanted));
  const named = all.filter((item) => {
    const words = `${item.title} ${item.words}`.toLowerCase().split(' ');
    return (
      !titled.includes(item) &&
      wanted.split(' ').every((typed) => words.some((word) => word.startsWith(typed)))
    );
  });
  return [...titled, ...named];
}

/** `/` at the start of a word opens the list of blocks. */
export const slash = Extension.create<SlashOptions>({
  name: 'slash',

  addOptions() {
    return { pickImages: () => Promise.resolve([]) };
  },

  addProseMirrorPlugins() {
    const all = blocksFor(this.options);
    return [
      Suggestion<Block, Block>({
        pluginKey: new PluginKey('slash'),
        editor: this.editor,
        char: '/',
        // Only so that a space does not bring back a menu that was closed.
        allowSpaces: true,
        findSuggestionMatch: ({ $position }) => {
          const before = $position.parent.textBetween(
            0,
            $position.parentOffset,
            undefined,
            '\ufffc',
          );
          const [, text, query] = OPEN.exec(before) ?? [];
          if (text === undefined || query === undefined) return null;
          // One word that names nothing is told; a sentence that happens to hold a "/" goes on.
          if (query.includes(' ') && called(all, query).length === 0) return null;
          return { range: { from: $position.pos - text.length, to: $position.pos }, query, text };
        },
        items: ({ query }) => called(all, query),
        allow: ({ state, range }) => !state.doc.resolve(range.from).parent.type.spec.code,
        command: ({ editor, range, props }) => props.run(editor, range),
        render: () => openListbox<Block>('Blocks', (query) => `No block is called “${query}”.`),
      }),
    ];
  },
});
