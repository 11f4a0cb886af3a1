import type { Editor } from '@tiptap/core';
import { afterAll, expect, it } from 'vitest';
import * as Y from 'yjs';

import { citationsIn } from './citations';
import { chance } from './testChance';
import { bodyOf, idsOf, openEditor, paragraph } from './testEditor';

const editors: Editor[] = [];
afterAll(() => editors.forEach((editor) => editor.destroy()));

/**
 * Words and citations are put in at once and out of order, as they arrive from slow lines. Changes of
 * structure (split, join, move, retype) replace blocks, and with them what is put into those meanwhile:
 * they are made on a document that is up to date, as when the line is quick.
 */
it('2,000 random edits by three clients lose and double no citation, and all converge', () => {
  const pick = chance(20_26);
  const docs = [new Y.Doc(), new Y.Doc(), new Y.Doc()];
  const queues: Uint8Array[][] = docs.map(() => []);
  docs.forEach((doc, n) =>
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === 'room') return;
      queues.forEach((queue, other) => {
        if (other !== n) queue.push(update);
      });
    }),
  );
  const deliver = (n: number, count = Infinity) => {
    const doc = docs[n];
    for (const update of queues[n]?.splice(0, count) ?? [])
      if (doc) Y.applyUpdate(doc, update, 'room');
  };
  const deliverAll = () => {
    while (queues.some((queue) => queue.length > 0)) docs.forEach((_, n) => deliver(n));
  };

  editors.push(openEditor(docs[0]));
  editors[0]?.commands.setContent(
    Array.from({ length: 6 }, (_, n) => paragraph(`block0000${n}`, `Paragraph ${n} has words.`)),
  );
  deliverAll();
  editors.push(openEditor(docs[1]), openEditor(docs[2]));

  const wanted = new Set<string>();
  let edits = 0;
  for (let round = 0; edits < 2000; round += 1) {
    const n = pick(3);
    const editor = editors[n];
    if (!editor) throw new Error('three editors');
    const structural = pick(5) === 0;
    if (structural) deliverAll();
    const { doc } = editor.state;
    const index = pick(doc.childCount);
    let start = 0;
    for (let i = 0; i < index; i += 1) start += doc.child(i).nodeSize;
    const block = doc.child(index);
    const inside = start + 1 + pick(block.content.size + 1);
    const { tr } = editor.state;
    if (!structural) {
      const what = pick(20);
      if (what < 11) tr.insertText(` w${round}`, inside);
      else if (what < 13) {
        const cite = `cit_${round}`;
        const node = editor.schema.nodes.citation?.create({ cite });
        if (node) tr.insert(inside, node);
        wanted.add(cite);
      } else if (what < 18) {
        const to = Math.min(inside + 1 + pick(6), start + 1 + block.content.size);
        const holds = citationsIn(doc).some(({ pos }) => pos >= inside && pos < to);
        if (to > inside && !holds) tr.delete(inside, to);
      } else {
        const bold = editor.schema.marks.bold?.create();
        const to = Math.min(inside + 4, start + 1 + block.content.size);
        if (bold && to > inside) tr.addMark(inside, to, bold);
      }
      editor.view.dispatch(tr);
    } else {
      const what = pick(4);
      if (what === 0) editor.view.dispatch(tr.split(inside));
      else if (what === 1 && index > 0 && doc.childCount > 4) editor.view.dispatch(tr.join(start));
      else if (what === 2) {
        tr.delete(start, start + block.nodeSize);
        editor.view.dispatch(tr.insert(pick(2) === 0 ? 0 : tr.doc.content.size, block));
      } else {
        const type = pick(2) === 0 ? 'heading' : 'paragraph';
        editor.chain().setTextSelection(inside).setNode(type, { level: 2 }).run();
      }
      deliverAll();
    }
    if (pick(3) === 0) deliver(pick(3), 1 + pick(4));
    edits += 1;
  }
  deliverAll();

  const bodies = docs.map((doc) => bodyOf(doc).toJSON());
  expect(bodies[1]).toBe(bodies[0]);
  expect(bodies[2]).toBe(bodies[0]);
  for (const editor of editors) {
    const found = citationsIn(editor.state.doc).map(({ cite }) => cite);
    expect(found).toHaveLength(wanted.size);
    expect(new Set(found)).toEqual(wanted);
    const ids = idsOf(editor);
    expect(new Set(ids).size).toBe(ids.length);
  }
  expect(wanted.size).toBeGreaterThan(100);
}, 300_000);
