import { mergeAttributes, Node } from '@tiptap/core';
import {
  NodeSelection,
  Plugin,
  PluginKey,
  TextSelection,
  type EditorState,
} from '@tiptap/pm/state';
import { Decoration, DecorationSet, type EditorView } from '@tiptap/pm/view';

import {
  chipName,
  chipState,
  citationsIn,
  type ChipState,
  numbered,
  type PlacedCitation,
} from '../citations';
import type { CitationEvidence } from '../model';

export interface CitationOptions {
  evidence: (cite: string) => CitationEvidence | undefined;
  /** A person chose a chip; `block` is the id of the block it stands in. */
  onSelect: (cite: string, block: string) => void;
  /** The citations by first appearance; called when they change. */
  onOrder: (order: readonly string[]) => void;
}

declare module '@tiptap/core' {
  interface Commands<ReturnType> {
    citation: {
      insertCitation: (cite: string) => ReturnType;
      /** Cites `to` where `from` is cited, in the block named or everywhere. */
      replaceCitation: (from: string, to: string, block?: string) => ReturnType;
      /** Draws the chips again, after what is known of their evidence has changed. */
      refreshCitations: (selected: string | null) => ReturnType;
    };
  }
}

interface Chip {
  number: number;
  state: ChipState;
  name: string;
  quote: string;
  selected: boolean;
}

interface ChipsState {
  citations: PlacedCitation[];
  order: string[];
  selected: string | null;
  chips: DecorationSet;
}

export const chipsKey = new PluginKey<ChipsState>('citationChips');

/** Whether an input method takes a key; not every system says so by the key's name. */
function isComposed({ keyCode }: { keyCode: number }): boolean {
  return keyCode === 229;
}

/** The citations of the open document by first appearance. */
export function citationOrder(state: EditorState): readonly string[] {
  return chipsKey.getState(state)?.order ?? [];
}

function blockAround(state: EditorState, pos: number): string {
  const $pos = state.doc.resolve(pos);
  for (let depth = $pos.depth; depth > 0; depth -= 1) {
    const id: unknown = $pos.node(depth).attrs.id;
    if (typeof id === 'string') return id;
  }
  return '';
}

const MARKS: Partial<Record<ChipState, string>> = { stale: '↻', deleted: '✕', redacted: '⊘' };

/** Draws a chip by hand: hundreds of them must not cost hundreds of React trees. */
function draw(dom: HTMLElement, chip: Chip | undefined): void {
  dom.dataset.state = chip?.state ?? 'loading';
  dom.classList.toggle('is-shared-selection', chip?.selected ?? false);
  dom.setAttribute('aria-label', chip?.name ?? 'Citation');
  dom.title = chip ? [chip.name, chip.quote && `“${chip.quote}”`].filter(Boolean).join('\n') : '';
  dom.textContent = chip ? String(chip.number) : '…';
  const mark = chip && MARKS[chip.state];
  if (mark) {
    const icon = document.createElement('span');
    icon.className = 'citation-mark';
    icon.setAttribute('aria-hidden', 'true');
    icon.textContent = mark;
    dom.append(icon);
  }
}

/**
 * A citation: an atom that knows the id of its evidence and nothing else. Its number is not stored,
 * it is where the citation first stands in the document.
 */
export const citation = Node.create<CitationOptions>({
  name: 'citation',
  group: 'inline',
  inline: true,
  atom: true,
  selectable: true,
  draggable: true,

  addOptions() {
    return {
      evidence: () => undefined,
      onSelect: () => undefined,
      onOrder: () => undefined,
    };
  },

  addAttributes() {
    return {
      cite: {
        default: '',
        parseHTML: (element) => element.getAttribute('data-cite') ?? '',
        renderHTML: ({ cite }) => ({ 'data-cite': cite as string }),
      },
    };
  },

  parseHTML() {
    return [{ tag: 'sup[data-cite]' }, { tag: 'span[data-cite]' }];
  },

  renderHTML({ HTMLAttributes }) {
    return ['sup', mergeAttributes(HTMLAttributes), '[•]'];
  },

  renderText() {
    return '';
  },

  addNodeView() {
    return ({ node, decorations, getPos, editor }) => {
      const dom = document.createElement('span');
      dom.className = 'citation';
      dom.contentEditable = 'false';
      dom.setAttribute('role', 'button');
      const chipOf = (all: readonly { spec: object }[]) =>
        all.map(({ spec }) => (spec as { chip?: Chip }).chip).find(Boolean);
      draw(dom, chipOf(decorations));
      dom.dataset.cite = node.attrs.cite as string;
      dom.addEventListener('click', () => {
        const pos = getPos();
        if (pos === undefined) return;
        const { view } = editor;
        view.dispatch(view.state.tr.setSelection(NodeSelection.create(view.state.doc, pos)));
        this.options.onSelect(node.attrs.cite as string, blockAround(view.state, pos));
      });
      return {
        dom,
        update: (next, nextDecorations) => {
          if (next.type !== node.type || next.attrs.cite !== node.attrs.cite) return false;
          draw(dom, chipOf(nextDecorations));
          return true;
        },
        ignoreMutation: () => true,
      };
    };
  },

  addCommands() {
    return {
      insertCitation:
        (cite) =>
        ({ chain }) =>
          chain().insertContent({ type: this.name, attrs: { cite } }).run(),
      replaceCitation:
        (from, to, block) =>
        ({ tr, state, dispatch }) => {
          const places = citationsIn(state.doc).filter(
            ({ cite, pos }) =>
              cite === from && (block === undefined || blockAround(state, pos) === block),
          );
          if (dispatch) for (const { pos } of places) tr.setNodeAttribute(pos, 'cite', to);
          return places.length > 0;
        },
      refreshCitations:
        (selected) =>
        ({ tr }) => {
          tr.setMeta(chipsKey, { selected }).setMeta('addToHistory', false);
          return true;
        },
    };
  },

  addKeyboardShortcuts() {
    const selectBeside = (direction: -1 | 1) => () => {
      const { state, view } = this.editor;
      const { selection } = state;
      if (!selection.empty) return false;
      const { $from } = selection;
      const node = direction < 0 ? $from.nodeBefore : $from.nodeAfter;
      if (node?.type !== this.type) return false;
      const pos = direction < 0 ? $from.pos - node.nodeSize : $from.pos;
      view.dispatch(state.tr.setSelection(NodeSelection.create(state.doc, pos)));
      return true;
    };
    return {
      // A citation is not lost by one key too many: the first selects it, the second deletes it.
      Backspace: selectBeside(-1),
      Delete: selectBeside(1),
      Enter: () => {
        const { selection } = this.editor.state;
        if (!(selection instanceof NodeSelection) || selection.node.type !== this.type)
          return false;
        const block = blockAround(this.editor.state, selection.from);
        this.options.onSelect(selection.node.attrs.cite as string, block);
        return true;
      },
    };
  },

  addProseMirrorPlugins() {
    const { evidence } = this.options;

    const decorate = (state: Omit<ChipsState, 'chips'>, doc: EditorState['doc']) => {
      const numbers = numbered(state.citations);
      return DecorationSet.create(
        doc,
        state.citations.map(({ cite, pos }) => {
          const known = evidence(cite);
          const number = numbers.get(cite) ?? 0;
          const chip: Chip = {
            number,
            state: chipState(known),
            name: chipName(number, known),
            quote: known?.state === 'redacted' ? '' : (known?.quote ?? ''),
            selected: cite === state.selected,
          };
          return Decoration.node(pos, pos + 1, {}, { chip });
        }),
      );
    };

    const build = (doc: EditorState['doc'], selected: string | null): ChipsState => {
      const citations = citationsIn(doc);
      const order = [...numbered(citations).keys()];
      const state = { citations, order, selected };
      return { ...state, chips: decorate(state, doc) };
    };

    return [
      new Plugin<ChipsState>({
        key: chipsKey,
        state: {
          init: (_, { doc }) => build(doc, null),
          apply(tr, old) {
            const told = tr.getMeta(chipsKey) as { selected: string | null } | undefined;
            if (told) return build(tr.doc, told.selected);
            if (!tr.docChanged) return old;
            const citations = citationsIn(tr.doc);
            const same =
              citations.length === old.citations.length &&
              citations.every(
                ({ cite, pos }, n) =>
                  cite === old.citations[n]?.cite &&
                  tr.mapping.map(old.citations[n].pos, -1) === pos,
              );
            // Typing beside chips moves them and changes nothing else.
            if (same) return { ...old, citations, chips: old.chips.map(tr.mapping, tr.doc) };
            return build(tr.doc, old.selected);
          },
        },
        props: {
          decorations: (state) => chipsKey.getState(state)?.chips,
          // An arrow key selects a chip on its way past; the next word must not take its place.
          handleTextInput(view, _from, _to, text) {
            const { selection } = view.state;
            if (!(selection instanceof NodeSelection)) return false;
            if (selection.node.type.name !== 'citation') return false;
            const { tr } = view.state;
            tr.insertText(text, selection.to);
            tr.setSelection(TextSelection.create(tr.doc, selection.to + text.length));
            view.dispatch(tr.scrollIntoView());
            return true;
          },
          handleDOMEvents: {
            // An input method would write over what is selected. It tells of itself by this key
            // before it begins; once it has begun, a moved caret breaks its word in two.
            keydown(view, event) {
              const { selection, doc, tr } = view.state;
              const chosen = selection instanceof NodeSelection ? selection.node.type.name : null;
              if (isComposed(event) && chosen === 'citation')
                view.dispatch(tr.setSelection(TextSelection.create(doc, selection.to)));
              return false;
            },
          },
        },
        view: (view: EditorView) => {
          const tell = (order: readonly string[]) => this.options.onOrder(order);
          // The editor is made while its pane is drawn; whoever listens may not change then.
          queueMicrotask(() => {
            if (!view.isDestroyed) tell(citationOrder(view.state));
          });
          return {
            update(next, before) {
              const order = citationOrder(next.state);
              const old = citationOrder(before);
              if (order === old) return;
              if (order.length !== old.length || order.some((cite, n) => cite !== old[n]))
                tell(order);
            },
          };
        },
      }),
    ];
  },
});
