import type { Editor } from '@tiptap/core';
import type { Node } from '@tiptap/pm/model';
import { TextSelection, type Transaction } from '@tiptap/pm/state';
import { afterEach, expect, it, vi } from 'vitest';
import * as Y from 'yjs';

import { decideIn, suggestState } from '../extensions/suggest';
import { chance } from '../testChance';
import { bodyOf, idsOf, paragraph } from '../testEditor';
import { acceptAll, rejectAll } from '.';
import { deletionOf, insertionOf, tokensOf } from './inline';
import { nodeStamp } from './model';
import { agree, meet, openSuggesting, textsOf } from './testSuggest';

const editors: Editor[] = [];
afterEach(() => {
  vi.useRealTimers();
  editors.splice(0).forEach((editor) => editor.destroy());
});

function open(name: string, doc?: Y.Doc, suggesting = true): Editor {
  const editor = openSuggesting(name, doc, suggesting);
  editors.push(editor);
  return editor;
}

/** Letters that occur once, so that nothing is right by accident. */
function words(begin: number, count: number): string {
  return String.fromCodePoint(...Array.from({ length: count }, (_, n) => begin + n));
}

function start(): ReturnType<typeof paragraph>[] {
  return Array.from({ length: 6 }, (_, n) =>
    paragraph(
      `block0000${n}`,
      words(0x4e00 + n * 40, 12),
      { cite: `cit_${n}` },
      words(0x4e00 + n * 40 + 12, 12),
    ),
  );
}

/** A block as it would read were everything accepted: its letters with their places, in order. */
interface Live {
  /** Where each letter begins; one more for behind the last. */
  at: number[];
}

function liveBlocks(doc: Node): Live[] {
  const blocks: Live[] = [];
  doc.forEach((node, pos) => {
    if (!node.isTextblock || nodeStamp(node, 'deleted')) return;
    let at = pos + 1;
    const places: number[] = [];
    for (const token of tokensOf(node)) {
      if (!deletionOf(token)) places.push(at);
      at += token.size;
    }
    const last = blocks.at(-1);
    if (nodeStamp(node, 'joined') && last) {
      // The first letter of what is joined stands where the end of the block before was.
      last.at = [...last.at.slice(0, -1), ...places, at];
    } else blocks.push({ at: [...places, at] });
  });
  return blocks;
}

type Edit = (editor: Editor) => void;

/** An edit by blocks and letters, not positions, so that it can be made with suggestions or without. */
function someEdit(pick: (below: number) => number, round: number): Edit {
  const [x, y, z, what] = [pick(1e6), pick(1e6), pick(1e6), pick(14)];
  const letters = words(0x10_000 + round * 8, 1 + (x % 3));
  return (editor) => {
    const blocks = liveBlocks(editor.state.doc);
    const block = blocks[x % blocks.length];
    if (!block) return;
    const n = y % block.at.length;
    const from = block.at[n] ?? 0;
    const send = (tr: Transaction) => editor.view.dispatch(tr);
    const select = (anchor: number, head: number) =>
      send(editor.state.tr.setSelection(TextSelection.create(editor.state.doc, anchor, head)));
    const remove = (count: number) => {
      const last = Math.min(n + count, block.at.length - 1);
      if (last === n) return;
      const end = (block.at[last - 1] ?? 0) + 1;
      const to = editor.state.doc.textBetween(end - 1, end).match(/[\ud800-\udbff]/)
        ? end + 1
        : end;
      select(from, to);
      send(editor.state.tr.deleteSelection());
    };
    if (what < 4) send(editor.state.tr.insertText(letters, from));
    else if (what < 7) remove(1 + (z % 5));
    else if (what === 7) {
      select(from, from);
      editor.commands.insertCitation(`cit_new${round}`);
    } else if (what === 8) {
      const to = block.at[Math.min(n + 4, block.at.length - 1)] ?? from;
      select(from, to);
      editor.commands.toggleBold();
    } else if (what < 11) {
      select(from, from);
      editor.commands.splitBlock();
    } else if (what === 11) {
      const index = x % blocks.length;
      const next = blocks[index + 1];
      const end = block.at.at(-1);
      const begin = next?.at[Math.min(z % 4, next.at.length - 1)];
      if (!next || end === undefined || begin === undefined || blocks.length < 4) return;
      const tail = block.at[Math.max(0, block.at.length - 1 - (y % 3))] ?? end;
      select(tail, begin);
      send(editor.state.tr.deleteSelection());
    } else if (what === 12) {
      select(from, from);
      editor.commands.setNode(z % 2 ? 'heading' : 'paragraph', z % 2 ? { level: 2 } : {});
    } else if (blocks.length < 9) {
      select(block.at.at(-1) ?? from, block.at.at(-1) ?? from);
      editor.commands.splitBlock();
      send(editor.state.tr.insertText(letters));
    }
  };
}

/** All of a document but where its words come from, which goes by who wrote and not by what is agreed. */
function exactly(json: unknown): unknown {
  return JSON.parse(
    JSON.stringify(json, (key, value: unknown) => (key === 'origin' ? null : value)),
  );
}

/** What a text says when types are left aside: joining keeps one of two types. */
function said(doc: Node): string[] {
  return textsOf(doc).map((line) => line.replace(/^\w+: /, ''));
}

it('random suggestions, all rejected, leave exactly what was; accepted, what was written', () => {
  for (let seed = 1; seed <= 24; seed += 1) {
    const pick = chance(seed);
    const editor = open('Ada');
    const direct = open('Bo', undefined, false);
    agree(editor, start());
    agree(direct, start());
    const before = editor.getJSON();
    for (let round = 0; round < 40; round += 1) {
      const edit = someEdit(pick, round);
      edit(editor);
      edit(direct);
      if (round % 4 !== 3) continue;
      const accepted = editor.state.apply(acceptAll(editor.state)).doc;
      expect(said(accepted), `seed ${seed}, edit ${round}`).toEqual(said(direct.state.doc));
      accepted.check();
    }
    const rejected = editor.state.apply(rejectAll(editor.state)).doc;
    expect(exactly(rejected.toJSON()), `seed ${seed}`).toEqual(exactly(before));
    const ids = idsOf(editor);
    expect(new Set(ids).size, `seed ${seed}: ids`).toBe(ids.length);
    for (const one of [editor, direct]) one.destroy();
  }
}, 300_000);

it('two people suggest at random and decide on different ones: both see the same', () => {
  for (let seed = 1; seed <= 8; seed += 1) {
    const pick = chance(1000 + seed);
    const docs = [new Y.Doc(), new Y.Doc()] as const;
    const here = open('Ada', docs[0]);
    agree(here, start());
    meet(...docs);
    const there = open('Bo', docs[1]);
    for (let round = 0; round < 60; round += 1) {
      someEdit(pick, round)(pick(2) ? here : there);
      if (pick(3) === 0) meet(...docs);
    }
    meet(...docs);
    expect(bodyOf(docs[0]).toJSON(), `seed ${seed}`).toBe(bodyOf(docs[1]).toJSON());
    const state = (editor: Editor) => suggestState(editor.state).all;
    state(here).forEach(({ id }, n) => {
      const editor = n % 2 ? here : there;
      if (state(editor).some((one) => one.id === id))
        decideIn(editor, pick(2) ? 'accept' : 'reject', { id });
      if (pick(2)) meet(...docs);
    });
    meet(...docs);
    meet(...docs);
    expect(bodyOf(docs[0]).toJSON(), `seed ${seed}, decided`).toBe(bodyOf(docs[1]).toJSON());
    expect(here.getJSON()).toEqual(there.getJSON());
    for (const one of [here, there]) one.destroy();
  }
}, 300_000);

/** How often each letter and each citation stands in a document. */
function counted(doc: Node): Map<string, number> {
  const found = new Map<string, number>();
  doc.descendants((node) => {
    if (!node.isTextblock) return true;
    for (const token of tokensOf(node)) {
      const it = token.text ?? JSON.stringify(token.node?.attrs);
      found.set(it, (found.get(it) ?? 0) + 1);
    }
    return false;
  });
  return found;
}

it('two people decide on the same suggestions at once while a third writes: no word is doubled', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  for (let seed = 1; seed <= 12; seed += 1) {
    const pick = chance(9000 + seed);
    const alike = seed % 2 === 0;
    const docs = [new Y.Doc(), new Y.Doc(), new Y.Doc()] as const;
    const meetAll = () => {
      for (let round = 0; round < 3; round += 1) {
        meet(docs[0], docs[1]);
        meet(docs[1], docs[2]);
        // Blocks that are there twice are settled a moment later.
        vi.advanceTimersByTime(100);
      }
    };
    const here = open('Ada', docs[0]);
    agree(here, start());
    meetAll();
    const there = open('Bo', docs[1]);
    const third = open('Cem', docs[2], false);
    for (let round = 0; round < 25; round += 1) {
      someEdit(pick, round)(pick(2) ? here : there);
      meetAll();
    }
    for (const { id } of suggestState(here.state).all)
      for (const editor of [here, there])
        if (alike) decideIn(editor, seed % 4 ? 'accept' : 'reject', { id });
        else if (pick(5) > 0) decideIn(editor, pick(4) ? 'accept' : 'reject', { id });
    const [mine, theirs] = [counted(here.state.doc), counted(there.state.doc)];
    for (let round = 100; round < 104; round += 1) {
      const blocks = liveBlocks(third.state.doc);
      const block = blocks[pick(blocks.length)];
      const at = block?.at[pick(block.at.length)];
      if (at !== undefined)
        third.view.dispatch(third.state.tr.insertText(words(0x10_000 + round * 8, 1), at));
    }
    meetAll();
    const after = counted(third.state.doc);
    for (const [it, times] of after) expect(times, `seed ${seed}: ${it}`).toBe(1);
    for (const it of mine.keys())
      if (alike && theirs.has(it)) expect(after.has(it), `seed ${seed}: ${it} is lost`).toBe(true);
    expect(bodyOf(docs[0]).toJSON(), `seed ${seed}`).toBe(bodyOf(docs[2]).toJSON());
    expect(bodyOf(docs[1]).toJSON(), `seed ${seed}`).toBe(bodyOf(docs[2]).toJSON());
    for (const one of [here, there, third]) one.destroy();
  }
}, 300_000);

it('suggestions of two people in turn, all rejected, leave exactly what was', () => {
  for (let seed = 1; seed <= 15; seed += 1) {
    const pick = chance(5000 + seed);
    const docs = [new Y.Doc(), new Y.Doc()] as const;
    const here = open('Ada', docs[0]);
    agree(here, start());
    meet(...docs);
    const there = open('Bo', docs[1]);
    const before = here.getJSON();
    for (let round = 0; round < 40; round += 1) {
      someEdit(pick, round)(pick(2) ? here : there);
      meet(...docs);
    }
    decideIn(here, 'reject', {});
    expect(exactly(here.getJSON()), `seed ${seed}`).toEqual(exactly(before));
    meet(...docs);
    expect(exactly(there.getJSON()), `seed ${seed}`).toEqual(exactly(before));
    for (const one of [here, there]) one.destroy();
  }
}, 300_000);

it('says of every token at most one author of each kind', () => {
  const pick = chance(77);
  const editor = open('Ada');
  agree(editor, start());
  for (let round = 0; round < 60; round += 1) someEdit(pick, round)(editor);
  editor.state.doc.descendants((node) => {
    if (!node.isTextblock) return true;
    for (const token of tokensOf(node))
      // One's own pending words are taken back, not struck out.
      expect(insertionOf(token) !== null && deletionOf(token) !== null).toBe(false);
    return false;
  });
});
