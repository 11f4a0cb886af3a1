import type { Editor } from '@tiptap/core';
import { afterEach, describe, expect, it } from 'vitest';

import { claimAt, unresolvedClaims } from './extensions/claims';
import { locate, sentenceAt, sentenceBefore } from './sentences';
import { openEditor, paragraph, placeOf } from './testEditor';

let editor: Editor;
afterEach(() => editor.destroy());

function block(
  ...inline: Parameters<typeof paragraph> extends [string, ...infer Rest] ? Rest : never
) {
  editor = openEditor();
  editor.commands.setContent([paragraph('aaaaaaaaaa', ...inline)]);
  return editor.state.doc.child(0);
}

describe('a sentence', () => {
  it('is found although citations stand before its full stop and inside it', () => {
    const node = block('Sales', { cite: 'c1' }, ' grew fast ', { cite: 'c2' }, '. Costs fell.');
    expect(locate(node, 'Sales grew fast.')).toEqual({ from: 0, to: 19 });
    expect(locate(node, 'Costs fell.')).toEqual({ from: 20, to: 31 });
  });

  it('is not found in a longer one', () => {
    const node = block('Sales grew fast. Costs fell and rose');
    expect(locate(node, 'Costs fell')).toBeNull();
    expect(locate(node, 'grew fast.')).not.toBeNull();
    expect(locate(node, 'rew fast.')).toBeNull();
    expect(locate(node, '')).toBeNull();
  });

  it('is what a place in the block belongs to', () => {
    const node = block('Sales grew', { cite: 'c1' }, '. Costs fell.');
    expect(sentenceAt(node, 3)).toBe('Sales grew.');
    expect(sentenceAt(node, 24)).toBe('Costs fell.');
  });

  it('is cited where it ends, where it goes on, and at the start of the block', () => {
    const node = block('Sales grew', { cite: 'c1' }, '. Costs fell. ');
    expect(sentenceBefore(node, 11)).toBe('Sales grew.');
    expect(sentenceBefore(node, 12)).toBe('Sales grew.');
    expect(sentenceBefore(node, 13)).toBe('Sales grew.');
    expect(sentenceBefore(node, 16)).toBe('Costs fell.');
    expect(sentenceBefore(node, node.content.size)).toBe('Costs fell.');
    expect(sentenceBefore(node, 0)).toBe('Sales grew.');
    expect(sentenceBefore(block(), 0)).toBe('');
  });
});

describe('a verdict', () => {
  it('goes with the first changed letter of its sentence and returns with it; others keep theirs', () => {
    block('Sales grew. Costs fell.');
    const claim = { block: 'aaaaaaaaaa', verdict: 'unsupported' as const };
    editor.commands.setClaims([
      { ...claim, hash: 'h1', text: 'Sales grew.' },
      { ...claim, hash: 'h2', text: 'Costs fell.' },
    ]);
    const open = () => unresolvedClaims(editor.state).map(({ hash }) => hash);
    expect(open()).toEqual(['h1', 'h2']);
    editor.commands.insertContentAt(placeOf(editor, 'grew') + 4, 's');
    expect(open()).toEqual(['h2']);
    expect(claimAt(editor.state, placeOf(editor, 'fell'))?.hash).toBe('h2');
    editor.commands.deleteRange({
      from: placeOf(editor, 'grews') + 4,
      to: placeOf(editor, 'grews') + 5,
    });
    expect(open()).toEqual(['h1', 'h2']);
  });
});
