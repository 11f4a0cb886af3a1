import { Extension } from '@tiptap/core';
import type { Node } from '@tiptap/pm/model';
import { Plugin, PluginKey, type EditorState } from '@tiptap/pm/state';
import { Decoration, DecorationSet } from '@tiptap/pm/view';

import { locate } from '../sentences';
import type { ClaimMark, Verdict } from '../model';

declare module '@tiptap/core' {
  interface Commands<ReturnType> {
    claims: {
      /** Shows these verdicts from now on. */
      setClaims: (claims: readonly ClaimMark[]) => ReturnType;
    };
  }
}

interface Placed extends ClaimMark {
  from: number;
  to: number;
}

interface ClaimsState {
  byBlock: ReadonlyMap<string, readonly ClaimMark[]>;
  placed: readonly Placed[];
  marks: DecorationSet;
}

const key = new PluginKey<ClaimsState>('claims');

const WORDS: Record<Verdict, string> = {
  supported: 'supported by its evidence',
  partial: 'partly supported by its evidence',
  unsupported: 'no evidence found',
  stale: 'its evidence is out of date',
  opinion: 'marked as opinion',
};

/** How well a block is grounded: its weakest claim. */
const WEAKEST: readonly Verdict[] = ['unsupported', 'stale', 'partial', 'supported', 'opinion'];

const UNRESOLVED: ReadonlySet<Verdict> = new Set(['unsupported', 'stale', 'partial']);

function grouped(claims: readonly ClaimMark[]): Map<string, ClaimMark[]> {
  const byBlock = new Map<string, ClaimMark[]>();
  for (const claim of claims)
    byBlock.set(claim.block, [...(byBlock.get(claim.block) ?? []), claim]);
  return byBlock;
}

function summary(claims: readonly ClaimMark[]): string {
  const grounded = claims.filter(({ verdict }) => verdict === 'supported').length;
  const open = claims.filter(({ verdict }) => UNRESOLVED.has(verdict)).length;
  if (open === 0 && grounded === 0) return 'Marked as opinion';
  return open === 0
    ? `${grounded} of ${claims.length} claims supported`
    : `${open} of ${claims.length} claims need evidence`;
}

/** The claims of the document that still need something, in reading order. */
export function unresolvedClaims(state: EditorState): readonly Placed[] {
  return key.getState(state)?.placed.filter(({ verdict }) => UNRESOLVED.has(verdict)) ?? [];
}

/** The checked claim a position lies in. */
export function claimAt(state: EditorState, pos: number): ClaimMark | undefined {
  return key.getState(state)?.placed.find(({ from, to }) => from <= pos && pos <= to);
}

/**
 * Underlines what is not grounded and marks each block in the margin. A verdict belongs to the words
 * it was given for: it disappears with the first changed letter, and comes back with an undo.
 */
export const claims = Extension.create({
  name: 'claims',

  addCommands() {
    return {
      setClaims:
        (marks) =>
        ({ tr }) => {
          tr.setMeta(key, marks).setMeta('addToHistory', false);
          return true;
        },
    };
  },

  addProseMirrorPlugins() {
    // Blocks are immutable values, so what was found in one holds until it is replaced.
    let found = new WeakMap<Node, readonly { claim: ClaimMark; from: number; to: number }[]>();

    const claimsIn = (block: Node, marks: readonly ClaimMark[]) => {
      const before = found.get(block);
      if (before) return before;
      const places = marks.flatMap((claim) => {
        const place = locate(block, claim.text);
        return place ? [{ claim, ...place }] : [];
      });
      found.set(block, places);
      return places;
    };

    const build = (doc: Node, byBlock: ClaimsState['byBlock']): ClaimsState => {
      const placed: Placed[] = [];
      const decorations: Decoration[] = [];
      if (byBlock.size > 0)
        doc.descendants((node, pos) => {
          if (!node.isTextblock) return true;
          const marks = byBlock.get(String(node.attrs.id));
          if (!marks) return false;
          const here = claimsIn(node, marks);
          for (const { claim, from, to } of here) {
            placed.push({ ...claim, from: pos + 1 + from, to: pos + 1 + to });
            if (UNRESOLVED.has(claim.verdict))
              decorations.push(
                Decoration.inline(pos + 1 + from, pos + 1 + to, {
                  class: `claim claim-${claim.verdict}`,
                  'aria-description': WORDS[claim.verdict],
                }),
              );
          }
          const verdict = WEAKEST.find((one) => here.some(({ claim }) => claim.verdict === one));
          if (verdict) {
            const words = summary(here.map(({ claim }) => claim));
            decorations.push(
              Decoration.node(pos, pos + node.nodeSize, {
                'data-grounded': verdict,
                'aria-description': words,
              }),
            );
          }
          return false;
        });
      return { byBlock, placed, marks: DecorationSet.create(doc, decorations) };
    };

    return [
      new Plugin<ClaimsState>({
        key,
        state: {
          init: (_, { doc }) => build(doc, new Map()),
          apply(tr, old) {
            const told = tr.getMeta(key) as readonly ClaimMark[] | undefined;
            if (told) {
              found = new WeakMap();
              return build(tr.doc, grouped(told));
            }
            return tr.docChanged ? build(tr.doc, old.byBlock) : old;
          },
        },
        props: { decorations: (state) => key.getState(state)?.marks },
      }),
    ];
  },
});
