import { afterEach, expect, it } from 'vitest';
import type { Editor } from '@tiptap/core';

import { measure, measurePart, minutes } from './measure';
import { openEditor, placeOf } from './testEditor';

let editor: Editor;
afterEach(() => editor.destroy());

it('words are counted by who wrote them; prompts, citations and signs alone are none', () => {
  editor = openEditor();
  const p = (origin: string | null, ...content: object[]) => ({
    type: 'paragraph',
    attrs: { origin },
    content,
  });
  const text = (words: string) => ({ type: 'text', text: words });
  editor.commands.setContent([
    { type: 'heading', attrs: { level: 2, origin: 'imported' }, content: [text('The market')] },
    p('human', text('Sales grew – by 12 %'), { type: 'citation', attrs: { cite: 'c' } }, text('!')),
    p('ai', text('It’s so 👍🏽')),
    p(null, text('Who knows')),
    { type: 'paragraph', attrs: { prompt: 'Say why it matters.' } },
    { type: 'heading', attrs: { level: 3 } },
  ]);
  const measured = measure(editor.state.doc);
  expect(measured.shares).toEqual({ human: 4, ai: 2, 'ai-edited': 0, imported: 2, unknown: 2 });
  expect(measured.words).toBe(10);
  expect(measured.characters).toBe(10 + 21 + 10 + 9);
  expect(measured.headings).toEqual([{ pos: 0, level: 2, text: 'The market' }]);
  const from = placeOf(editor, 'grew');
  expect(measurePart(editor.state.doc, from, from + 9)).toEqual({ words: 2, characters: 9 });
  expect([0, 1, 230, 231].map(minutes)).toEqual([0, 1, 1, 2]);
});
