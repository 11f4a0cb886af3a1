import { Extension } from '@tiptap/core';
import { isChangeOrigin } from '@tiptap/extension-collaboration';
import { Fragment, type Node, Slice } from '@tiptap/pm/model';
import { type EditorState, Plugin, PluginKey, type Transaction } from '@tiptap/pm/state';
import { Mapping, RemoveMarkStep } from '@tiptap/pm/transform';
import type { EditorView } from '@tiptap/pm/view';

import { blend, isOrigin, type Origin, originOf, WRITTEN } from '../provenance';

interface Span {
  from: number;
  to: number;
}

interface Placed {
  node: Node;
  pos: number;
}

interface Changes {
  /** From the document after to the one before. */
  back: Mapping;
  /** Of the document after, in order: what was put in; empty where something was taken out. */
  put: readonly Span[];
  /** Of the document before: what was taken out. */
  taken: readonly Span[];
}

function changesOf(transactions: readonly Transaction[]): Changes {
  const steps = transactions.flatMap((tr) => tr.steps);
  const mapping = new Mapping(steps.map((step) => step.getMap()));
  const put: Span[] = [];
  const taken: Span[] = [];
  steps.forEach((step, n) => {
    const later = mapping.slice(n + 1);
    // A suggestion that is accepted puts its words into the text by losing its mark.
    if (step instanceof RemoveMarkStep && step.mark.type.name === 'insertion')
      put.push({ from: later.map(step.from, -1), to: later.map(step.to, 1) });
    mapping.maps[n]?.forEach((oldFrom, oldTo, newFrom, newTo) => {
      put.push({ from: later.map(newFrom, -1), to: later.map(newTo, 1) });
      if (oldTo === oldFrom) return;
      const earlier = new Mapping(mapping.maps.slice(0, n)).invert();
      taken.push({ from: earlier.map(oldFrom, -1), to: earlier.map(oldTo, 1) });
    });
  });
  put.sort((a, b) => a.from - b.from || a.to - b.to);
  return { back: mapping.invert(), put, taken };
}

/** Whether somebody wrote anything there: spaces and what is only suggested do not count. */
function hasWords(doc: Node, from: number, to: number): boolean {
  let found = false;
  if (to > from)
    doc.nodesBetween(from, to, (node, pos) => {
      if (node.isText && !found) {
        const suggested = node.marks.some(({ type }) => type.name === 'insertion');
        const text = node.text?.slice(Math.max(0, from - pos), to - pos) ?? '';
        found = !suggested && /\S/.test(text);
      }
      return !found;
    });
  return found;
}

/** The parts of a block's content that stood in the document before. */
function keptIn(content: Span, put: readonly Span[]): Span[] {
  const kept: Span[] = [];
  let at = content.from;
  for (const { from, to } of put) {
    if (to < content.from || from > content.to) continue;
    if (from > at) kept.push({ from: at, to: from });
    at = Math.max(at, to);
  }
  if (at < content.to) kept.push({ from: at, to: content.to });
  return kept;
}

function writtenBlocks(doc: Node, from: number, to: number): Placed[] {
  const found: Placed[] = [];
  doc.nodesBetween(Math.max(0, from), Math.min(doc.content.size, to), (node, pos) => {
    if (node.isTextblock && 'origin' in node.attrs) found.push({ node, pos });
    return !node.isTextblock;
  });
  return found;
}

function contentOf({ node, pos }: Placed): Span {
  return { from: pos + 1, to: pos + node.nodeSize - 1 };
}

/** The blocks that words were taken out of. */
function shortened(doc: Node, taken: readonly Span[]): Set<Node> {
  const found = new Set<Node>();
  for (const { from, to } of taken)
    for (const block of writtenBlocks(doc, from, to)) {
      const content = contentOf(block);
      if (hasWords(doc, Math.max(from, content.from), Math.min(to, content.to)))
        found.add(block.node);
    }
  return found;
}

/** What is put in by a change: as it was told, as what was pasted says, or else typed. */
interface Source {
  told: Origin | null;
  pasted: boolean;
  origin: Origin | null;
}

function sourceOf(transactions: readonly Transaction[], pasted: Origin | null): Source {
  for (const tr of transactions) {
    const told: unknown = tr.getMeta('origin') ?? tr.getMeta('acceptedFrom');
    if (isOrigin(told)) return { told, pasted: false, origin: told };
    const by: unknown = tr.getMeta('uiEvent');
    if (by === 'paste' || by === 'drop') return { told: null, pasted: true, origin: pasted };
  }
  return { told: null, pasted: false, origin: 'human' };
}

/** The origin that a change made here gives to each block it touched, by place after it. */
function decide(
  before: Node,
  after: Node,
  { back, put, taken }: Changes,
  source: Source,
): Map<number, Origin | null> {
  const given = new Map<number, Origin | null>();
  const lost = shortened(before, taken);
  const touched = put.flatMap(({ from, to }) => writtenBlocks(after, from - 1, to + 1));
  for (const block of touched) {
    const { node, pos } = block;
    if (given.has(pos)) continue;
    const content = contentOf(block);
    const origins = new Set<Origin | null>();
    let isEdited = false;
    for (const { from, to } of keptIn(content, put)) {
      if (!hasWords(after, from, to)) continue;
      for (const former of writtenBlocks(before, back.map(from, 1), back.map(to, -1))) {
        origins.add(originOf(former.node));
        isEdited ||= lost.has(former.node) && source.told === null;
      }
    }
    // A whole block that is put in says itself whose words it holds.
    const isWhole = put.some(({ from, to }) => from <= pos && to > pos);
    for (const { from, to } of put)
      if (hasWords(after, Math.max(from, content.from), Math.min(to, content.to)))
        origins.add(isWhole ? (originOf(node) ?? source.told) : source.origin);
    if (isEdited && origins.has('ai')) origins.add('human');
    const keeps = origins.size === 0 && node.content.size > 0;
    given.set(pos, keeps ? originOf(node) : blend(origins));
  }
  return given;
}

/** Calls blocks that come from elsewhere imported. What was copied here has ids, and says its own. */
function imported(fragment: Fragment): Fragment {
  const nodes: Node[] = [];
  fragment.forEach((node) => {
    const isWritten = node.isTextblock && 'origin' in node.attrs && node.content.size > 0;
    const attrs = isWritten ? { ...node.attrs, origin: 'imported' } : node.attrs;
    nodes.push(node.isText ? node : node.type.create(attrs, imported(node.content), node.marks));
  });
  return Fragment.from(nodes);
}

function ofSlice(slice: Slice): { isOurs: boolean; origin: Origin | null } {
  const origins = new Set<Origin | null>();
  const ids = new Set<unknown>();
  slice.content.descendants((node) => {
    if (node.isBlock) ids.add(node.attrs.id ?? null);
    if (node.isTextblock && node.textContent.trim()) origins.add(originOf(node));
  });
  const isOurs = [...ids].some((id) => id !== null);
  return { isOurs, origin: isOurs ? blend(origins) : 'imported' };
}

/**
 * Keeps with each block where its words come from. Only the client that makes a change says so, in
 * the same step, so that an undo takes both back. Who puts in words of a model sets the meta
 * `origin` (or `acceptedFrom`) to `ai` on the transaction; all else that is typed is a person's.
 */
export const origin = Extension.create({
  name: 'origin',
  // After the ids, whose renumbering belongs to the same change.
  priority: 9_000,

  addGlobalAttributes() {
    return [
      {
        types: [...WRITTEN],
        attributes: {
          origin: {
            default: null,
            parseHTML: (element) => {
              const value = element.getAttribute('data-origin');
              return isOrigin(value) ? value : null;
            },
            renderHTML: (attributes) =>
              isOrigin(attributes.origin) ? { 'data-origin': attributes.origin } : {},
          },
        },
      },
    ];
  },

  addProseMirrorPlugins() {
    let pasted: Origin | null = 'imported';
    const shown: { view?: EditorView } = {};
    // By block id: an attribute draws its block anew, which would break off what is being composed.
    const waiting = new Map<string, Origin | null>();

    const settle = (state: EditorState): Transaction | null => {
      const { tr } = state;
      state.doc.descendants((node, pos) => {
        const id: unknown = node.attrs.id;
        const next = typeof id === 'string' ? waiting.get(id) : undefined;
        if (next !== undefined && originOf(node) !== next) tr.setNodeAttribute(pos, 'origin', next);
        return !node.isTextblock;
      });
      waiting.clear();
      return tr.docChanged ? tr.setStoredMarks(state.storedMarks) : null;
    };

    return [
      new Plugin({
        key: new PluginKey('origin'),
        view(mounted) {
          shown.view = mounted;
          return {};
        },
        appendTransaction(transactions, before, after) {
          const local = transactions.filter((tr) => tr.docChanged);
          if (local.length === 0 || transactions.some(isChangeOrigin)) return null;
          const changes = changesOf(local);
          if (changes.put.length === 0) return null;
          const given = decide(before.doc, after.doc, changes, sourceOf(local, pasted));
          const { tr } = after;
          for (const [pos, next] of given) {
            const node = after.doc.nodeAt(pos);
            if (!node || originOf(node) === next) continue;
            if (shown.view?.composing && typeof node.attrs.id === 'string')
              waiting.set(node.attrs.id, next);
            else tr.setNodeAttribute(pos, 'origin', next);
          }
          if (!tr.docChanged) return null;
          if (local.some((one) => one.getMeta('addToHistory') === false))
            tr.setMeta('addToHistory', false);
          return tr.setStoredMarks(after.storedMarks);
        },
        props: {
          transformPasted(slice) {
            const { isOurs, origin: of } = ofSlice(slice);
            pasted = of;
            if (isOurs) return slice;
            return new Slice(imported(slice.content), slice.openStart, slice.openEnd);
          },
          handleDOMEvents: {
            compositionend(mounted) {
              // The editor reads what was composed only after this event.
              setTimeout(() => {
                if (mounted.isDestroyed || mounted.composing || waiting.size === 0) return;
                const tr = settle(mounted.state);
                if (tr) mounted.dispatch(tr);
              }, 60);
              return false;
            },
          },
        },
      }),
    ];
  },
});
