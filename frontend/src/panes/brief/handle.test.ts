import { expect, it } from 'vitest';

import { openEditor, paragraph, placeOf } from '../../editor/testEditor';
import { makeHandle } from './handle';

it('sentences of an answer are a model’s where they stand alone, and edit what a person wrote', () => {
  const editor = openEditor();
  editor.commands.setContent([
    { ...paragraph('aaaaaaaaaa', 'Words of a person.'), attrs: { origin: 'human' } },
    paragraph('bbbbbbbbbb'),
  ]);
  const handle = makeHandle(editor, () => undefined);
  const origins = () =>
    editor.state.doc.content.content.map((node) => node.attrs.origin as string | null);
  handle.insertSentences([{ text: 'Sales grew.', cites: ['cit_a'] }], 'end');
  expect(origins()).toEqual(['human', 'ai']);
  editor.commands.setTextSelection(placeOf(editor, 'grew. ') + 6);
  handle.insertSentences([{ text: 'Costs fell.', cites: [] }]);
  expect(origins()).toEqual(['human', 'ai']);
  editor.commands.setTextSelection(placeOf(editor, 'person.') + 7);
  handle.insertSentences([{ text: 'And more.', cites: [] }]);
  expect(origins()).toEqual(['ai-edited', 'ai']);
  editor.destroy();
});
