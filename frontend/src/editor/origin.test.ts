import type { Editor, JSONContent } from '@tiptap/core';
import { yUndoPluginKey } from '@tiptap/y-tiptap';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as Y from 'yjs';

import { blend, type Origin } from './provenance';
import { bodyOf, openEditor, placeOf } from './testEditor';

let editor: Editor;
let doc: Y.Doc;

function says(id: string, text: string, origin: Origin | null = null, type = 'paragraph') {
  const content = text ? [{ type: 'text', text }] : [];
  return { type, attrs: { id, origin }, content } satisfies JSONContent;
}

beforeEach(() => {
  doc = new Y.Doc();
  editor = openEditor(doc);
  begin([
    says('aaaaaaaaaa', 'Machine words here.', 'ai'),
    says('bbbbbbbbbb', 'Words of a person.', 'human'),
    says('cccccccccc', 'Nobody knows.'),
    says('dddddddddd', 'From a page.', 'imported'),
    says('eeeeeeeeee', ''),
  ]);
});

afterEach(() => editor.destroy());

function begin(blocks: JSONContent[]): void {
  editor.commands.setContent(blocks);
  nextStep();
}

/** What follows is undone on its own. */
function nextStep(): void {
  const state = yUndoPluginKey.getState(editor.state) as { undoManager: Y.UndoManager };
  state.undoManager.stopCapturing();
}

function origins(of = editor): [string, string | null][] {
  const all: [string, string | null][] = [];
  of.state.doc.descendants((node) => {
    if (node.isTextblock) all.push([node.textContent, node.attrs.origin as string | null]);
  });
  return all;
}

function originOfText(text: string): string | null | undefined {
  return origins().find(([words]) => words.includes(text))?.[1];
}

function type(text: string, at: number): void {
  editor.view.dispatch(editor.state.tr.insertText(text, at));
}

function atEnd(text: string): number {
  return placeOf(editor, text) + text.length;
}

/** Where the empty block stands. */
function emptyPlace(): number {
  let found = -1;
  editor.state.doc.forEach((node, pos) => {
    if (node.isTextblock && node.content.size === 0) found = pos + 1;
  });
  return found;
}

function paste(html: string, plain = ''): void {
  if (html) editor.view.pasteHTML(html, new Event('paste') as ClipboardEvent);
  else editor.view.pasteText(plain, new Event('paste') as ClipboardEvent);
}

describe('what a person types', () => {
  it('makes a new block theirs, from its first word on', () => {
    type(' ', emptyPlace());
    expect(origins().at(-1)).toEqual([' ', null]);
    type('New', emptyPlace() < 0 ? editor.state.doc.content.size - 1 : emptyPlace());
    expect(originOfText('New')).toBe('human');
  });

  it('makes the words of a model edited, and undo makes them the model’s again in one step', () => {
    type('!', atEnd('Machine words here'));
    expect(originOfText('Machine')).toBe('ai-edited');
    editor.commands.undo();
    expect(originOfText('Machine')).toBe('ai');
    editor.commands.redo();
    expect(originOfText('Machine')).toBe('ai-edited');
  });

  it('edits by taking words away as well, but not by spaces, marks or citations', () => {
    const from = placeOf(editor, 'words here');
    editor
      .chain()
      .setTextSelection({ from, to: from + 5 })
      .toggleBold()
      .run();
    editor.commands.insertContentAt(from, { type: 'citation', attrs: { cite: 'cit_a' } });
    type(' ', from);
    expect(originOfText('Machine')).toBe('ai');
    const at = placeOf(editor, 'here');
    editor.commands.deleteRange({ from: at, to: at + 4 });
    expect(originOfText('Machine')).toBe('ai-edited');
  });

  it('leaves what was imported, or is of unknown origin, as it is', () => {
    type('Really: ', placeOf(editor, 'Nobody'));
    type('Copied: ', placeOf(editor, 'From'));
    expect(originOfText('Nobody')).toBeNull();
    expect(originOfText('From')).toBe('imported');
  });

  it('is theirs alone when it takes the place of every word', () => {
    const from = placeOf(editor, 'Machine');
    editor.view.dispatch(
      editor.state.tr.insertText('Mine', from, from + 'Machine words here.'.length),
    );
    expect(originOfText('Mine')).toBe('human');
  });
});

describe('the origin of a block', () => {
  it('goes with its words through a split, and an empty half has none', () => {
    editor.chain().setTextSelection(placeOf(editor, 'words here')).splitBlock().run();
    expect(originOfText('Machine')).toBe('ai');
    expect(originOfText('words here')).toBe('ai');
    editor.chain().setTextSelection(atEnd('words here.')).splitBlock().run();
    expect(origins()[2]).toEqual(['', null]);
    editor.commands.undo();
    expect(origins()[0]).toEqual(['Machine words here.', 'ai']);
  });

  it('is the more machine-made after a join; a model’s words beside a person’s are edited', () => {
    const join = (text: string) =>
      editor.view.dispatch(editor.state.tr.join(placeOf(editor, text) - 1));
    join('From');
    expect(originOfText('From')).toBe('imported');
    join('Nobody');
    expect(originOfText('Nobody')).toBe('imported');
    join('Words');
    expect(originOfText('Words')).toBe('ai-edited');
    editor.commands.undo();
    expect(origins().map(([, origin]) => origin)).toEqual(['ai', 'human', null, 'imported', null]);
  });

  it('stays with a block that becomes a heading, an action, a list, and that is dragged', () => {
    editor.chain().setTextSelection(placeOf(editor, 'Machine')).setNode('heading').run();
    expect(originOfText('Machine')).toBe('ai');
    editor.chain().toggleAction().run();
    expect(originOfText('Machine')).toBe('ai');
    editor.chain().setParagraph().toggleBulletList().run();
    expect(originOfText('Machine')).toBe('ai');
    const list = editor.state.doc.child(0);
    const { tr } = editor.state;
    tr.delete(0, list.nodeSize);
    tr.insert(tr.doc.content.size, list).setMeta('uiEvent', 'drop');
    editor.view.dispatch(tr);
    expect(origins().at(-1)).toEqual(['Machine words here.', 'ai']);
  });

  it('is blended by one rule: ai only while every word is a model’s', () => {
    expect(blend(new Set(['ai']))).toBe('ai');
    expect(blend(new Set(['ai', 'human']))).toBe('ai-edited');
    expect(blend(new Set(['human', 'imported']))).toBe('imported');
    expect(blend(new Set(['human', null]))).toBeNull();
    expect(blend(new Set())).toBeNull();
  });
});

describe('words that are accepted from a model', () => {
  it('are the model’s when a suggestion of it is accepted, and taking words out changes nothing', () => {
    const { tr } = editor.state;
    editor.view.dispatch(tr.insertText('Suggested', emptyPlace()).setMeta('acceptedFrom', 'ai'));
    expect(originOfText('Suggested')).toBe('ai');
    const from = placeOf(editor, 'words here');
    editor.view.dispatch(editor.state.tr.delete(from, from + 5).setMeta('acceptedFrom', 'ai'));
    expect(originOfText('Machine')).toBe('ai');
  });
});

describe('what is pasted', () => {
  it('is imported when it comes from elsewhere, as HTML or as text', () => {
    editor.commands.setTextSelection(emptyPlace());
    paste('<p data-id="zzz" data-origin="human">Somebody wrote</p><p>on the web</p>');
    expect(originOfText('on the web')).toBe('imported');
    editor.commands.setTextSelection(atEnd('Words of a person.'));
    paste('', ' and of others');
    expect(originOfText('Words of a person')).toBe('imported');
  });

  it('keeps what it says when it was copied from a brief', () => {
    const copy = (from: number, to: number) =>
      editor.view.serializeForClipboard(editor.state.doc.slice(from, to, true)).dom.innerHTML;
    const all = copy(0, editor.state.doc.content.size);
    const part = copy(placeOf(editor, 'words here'), placeOf(editor, 'words here') + 5);
    editor.commands.setTextSelection(emptyPlace());
    paste(part);
    expect(origins().at(-1)).toEqual(['words', 'ai']);
    begin([says('eeeeeeeeee', '')]);
    editor.commands.setTextSelection(1);
    paste(all);
    expect(origins().slice(0, 4)).toEqual([
      ['Machine words here.', 'ai'],
      ['Words of a person.', 'human'],
      ['Nobody knows.', null],
      ['From a page.', 'imported'],
    ]);
  });
});

it('only who makes a change says where it comes from, and two documents converge', () => {
  const far = new Y.Doc();
  Y.applyUpdate(far, Y.encodeStateAsUpdate(doc));
  const other = openEditor(far);
  const meet = () => {
    const sent = [Y.encodeStateAsUpdate(doc), Y.encodeStateAsUpdate(far)] as const;
    Y.applyUpdate(far, sent[0], 'room');
    Y.applyUpdate(doc, sent[1], 'room');
  };
  let written = 0;
  far.on('afterTransaction', (transaction: Y.Transaction) => {
    if (transaction.local && transaction.changed.size > 0) written += 1;
  });
  type('!', atEnd('Machine words here'));
  type('Mine', emptyPlace());
  meet();
  expect(written).toBe(0);
  other.view.dispatch(other.state.tr.insertText('They say: ', placeOf(other, 'Machine')));
  other.view.dispatch(other.state.tr.join(placeOf(other, 'Words of') - 1));
  type('And ', placeOf(editor, 'Mine'));
  meet();
  meet();
  expect(bodyOf(doc).toJSON()).toBe(bodyOf(far).toJSON());
  expect(origins(other)).toEqual(origins());
  expect(originOfText('Words of')).toBe('ai-edited');
  other.destroy();
});
