import type { Editor, JSONContent } from '@tiptap/core';
import { type Node as Block } from '@tiptap/pm/model';
import { TextSelection } from '@tiptap/pm/state';
import { ySyncPluginKey, yUndoPluginKey } from '@tiptap/y-tiptap';
import type { Doc, UndoManager } from 'yjs';

import {
  type Author,
  citationsIn,
  type CitedSentence,
  locate,
  SUGGEST_AS,
  suggestCopy,
} from '../../editor';
import { restoreVersion } from '../../history';
import type { BriefHandle } from './types';

const NOBODY: Author = { id: 'nobody', name: 'Somebody', kind: 'person' };

interface Found {
  node: Block;
  pos: number;
}

export function findBlock(editor: Editor, id: string): Found | null {
  let found: Found | null = null;
  editor.state.doc.descendants((node, pos) => {
    if (found === null && node.attrs.id === id) found = { node, pos };
    return found === null;
  });
  return found;
}

/** Inline content of sentences: words, then their citations, one space between sentences. */
function content(sentences: readonly CitedSentence[]) {
  return sentences.flatMap(({ text, cites }, n) => [
    { type: 'text', text: `${n > 0 ? ' ' : ''}${text.trim()}${cites.length > 0 ? ' ' : ''}` },
    ...cites.map((cite) => ({ type: 'citation', attrs: { cite } })),
  ]);
}

function insertSentences(
  editor: Editor,
  sentences: readonly CitedSentence[],
  how: 'cursor' | 'end',
  suggester?: Author,
): void {
  const wanted = sentences.filter(({ text }) => text.trim());
  if (wanted.length === 0) return;
  const { doc, selection } = editor.state;
  const { $to } = selection;
  const accept = (at: number, what: JSONContent | JSONContent[]) =>
    editor
      .chain()
      .setMeta('origin', 'ai')
      .setMeta(SUGGEST_AS, suggester)
      .insertContentAt(at, what)
      .scrollIntoView()
      .run();
  // What is selected is not replaced: taking an answer over must never cost words.
  if (how === 'cursor' && $to.parent.isTextblock && !$to.parent.type.spec.code) {
    const before = $to.parent.textBetween(0, $to.parentOffset, undefined, '\ufffc');
    const after = $to.parent.textBetween($to.parentOffset, $to.parent.content.size);
    const inline = content(wanted);
    const space = { type: 'text', text: ' ' };
    if (before && !/\s$/.test(before)) inline.unshift(space);
    if (after && !/^[\s.,;:!?)]/.test(after)) inline.push(space);
    accept($to.pos, inline);
    return;
  }
  const last = doc.lastChild;
  const empty = last?.type.name === 'paragraph' && last.content.size === 0;
  const at = how === 'end' || $to.depth === 0 ? doc.content.size : $to.after(1);
  const place = empty && at === doc.content.size ? at - 1 : at;
  const inline = content(wanted);
  const piece = place === at ? { type: 'paragraph', content: inline } : inline;
  accept(place, piece);
}

/** Scrolls to a place and marks it for a moment. */
export function showRange(editor: Editor, from: number, to: number): void {
  const { node } = editor.view.domAtPos(from);
  const element = node instanceof Element ? node : node.parentElement;
  element?.scrollIntoView({ block: 'center', behavior: 'smooth' });
  editor.commands.markRange({ from, to });
  setTimeout(() => {
    if (!editor.isDestroyed) editor.commands.markRange(null);
  }, 2400);
}

/** The brief as other panes see it. `openFind` shows the pane's own find bar. */
export function makeHandle(
  editor: Editor,
  openFind: () => void,
  whenSaved: () => Promise<boolean> = () => Promise.resolve(true),
  author: () => Author = () => NOBODY,
): BriefHandle {
  const write = (change: () => void) => {
    if (editor.isEditable && !editor.isDestroyed) change();
  };
  return {
    get writable() {
      return editor.isEditable;
    },
    insertSentences(sentences, how = 'cursor') {
      write(() => insertSentences(editor, sentences, how));
    },
    suggestSentences(sentences, author) {
      const suggester: Author = { id: `ai:${author}`, name: author, kind: 'ai', color: '' };
      write(() => insertSentences(editor, sentences, 'cursor', suggester));
    },
    async suggestCopy(copy, touched) {
      if (editor.isDestroyed) return { touched: 0, saved: false };
      const found = suggestCopy(editor, copy, touched, author());
      return { touched: found, saved: await whenSaved() };
    },
    insertCitation(cite) {
      write(() => {
        const { $to } = editor.state.selection;
        const citation = { type: 'citation', attrs: { cite } };
        if ($to.parent.isTextblock) editor.commands.insertContentAt($to.pos, citation);
      });
    },
    replaceCitation(from, to, block) {
      write(() => void editor.commands.replaceCitation(from, to, block));
    },
    citeSentence(block, sentence, cite) {
      const found = findBlock(editor, block);
      const place = found && locate(found.node, sentence);
      if (!found || !place || !editor.isEditable) return false;
      return editor.commands.insertContentAt(found.pos + 1 + place.to, {
        type: 'citation',
        attrs: { cite },
      });
    },
    setStatus(block, status) {
      const found = findBlock(editor, block);
      if (found?.node.type.name !== 'action' || !editor.isEditable) return false;
      editor.view.dispatch(editor.state.tr.setNodeAttribute(found.pos, 'status', status));
      return true;
    },
    async restore(version) {
      if (!editor.isEditable || editor.isDestroyed) return { touched: 0, saved: false };
      const { doc } = ySyncPluginKey.getState(editor.state) as { doc: Doc };
      const { undoManager } = yUndoPluginKey.getState(editor.state) as {
        undoManager: UndoManager;
      };
      undoManager.addToScope(doc.getText('title'));
      // One step of its own, joined neither to what was typed before nor to what comes after.
      undoManager.stopCapturing();
      const touched = restoreVersion(doc, version, ySyncPluginKey);
      undoManager.stopCapturing();
      return { touched, saved: await whenSaved() };
    },
    focus() {
      editor.commands.focus(undefined, { scrollIntoView: false });
    },
    reveal({ block, cite, text }) {
      if (cite !== undefined) {
        const at = citationsIn(editor.state.doc).find((one) => one.cite === cite);
        if (at) showRange(editor, at.pos, at.pos + 1);
        return;
      }
      const found = block === undefined ? null : findBlock(editor, block);
      if (!found) return;
      const start = found.pos + 1;
      const place = text === undefined ? null : locate(found.node, text);
      if (place) showRange(editor, start + place.from, start + place.to);
      else showRange(editor, start, found.pos + found.node.nodeSize - 1);
    },
    select({ block, text }) {
      const found = findBlock(editor, block);
      if (!found) return;
      const place = locate(found.node, text);
      const at = found.pos + 1 + (place?.to ?? 0);
      const { tr, doc } = editor.state;
      editor.view.dispatch(tr.setSelection(TextSelection.near(doc.resolve(at), -1)));
      editor.commands.focus();
    },
    find: openFind,
  };
}
