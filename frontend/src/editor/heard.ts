import { TextSelection } from '@tiptap/pm/state';
import type { EditorView } from '@tiptap/pm/view';

/**
 * Makes the editor know the words that are selected in the page.
 *
 * The browser tells of a selection in a task of its own, so a key pressed right after another can
 * arrive before the editor has heard of what that one selected.
 */
export function hearSelection(view: EditorView): void {
  const { state } = view;
  const said = view.dom.ownerDocument.getSelection();
  if (!state.selection.empty || !said?.anchorNode || !said.focusNode || said.isCollapsed) return;
  if (!view.dom.contains(said.anchorNode) || !view.dom.contains(said.focusNode)) return;
  const anchor = state.doc.resolve(view.posAtDOM(said.anchorNode, said.anchorOffset));
  const head = state.doc.resolve(view.posAtDOM(said.focusNode, said.focusOffset));
  const selection = TextSelection.between(anchor, head);
  if (!selection.empty) view.dispatch(state.tr.setSelection(selection));
}
