import { mergeAttributes, Node } from '@tiptap/core';
import { NodeSelection, Plugin, PluginKey } from '@tiptap/pm/state';
import type { EditorView } from '@tiptap/pm/view';

import { isOwnImage } from '../schema';

export interface ImageOptions {
  /** Stores a picture on the server and says where it is. */
  upload: (file: File) => Promise<{ src: string }>;
  onProblem: (message: string) => void;
}

declare module '@tiptap/core' {
  interface Commands<ReturnType> {
    picture: {
      /** Uploads pictures and puts them at a position, or at the cursor. */
      uploadImages: (files: readonly File[], pos?: number) => ReturnType;
    };
  }
}

function elsewhere(alt: string | undefined): string {
  return `Picture from elsewhere, not loaded${alt ? `: ${alt}` : ''}`;
}

function pictures(files: FileList | undefined | null): File[] {
  return [...(files ?? [])].filter((file) => file.type.startsWith('image/'));
}

/** A picture the server stores. Other addresses are kept in the document but never loaded. */
export const image = Node.create<ImageOptions>({
  name: 'image',
  group: 'block',
  draggable: true,

  addOptions() {
    return {
      upload: () => Promise.reject(new Error('Pictures cannot be stored here.')),
      onProblem: () => undefined,
    };
  },

  addAttributes() {
    return {
      src: { default: '' },
      alt: { default: '' },
      width: { default: null },
    };
  },

  parseHTML() {
    return [
      {
        tag: 'img[src]',
        getAttrs: (element) => (isOwnImage(element.getAttribute('src')) ? null : false),
      },
    ];
  },

  renderHTML({ HTMLAttributes }) {
    if (isOwnImage(HTMLAttributes.src))
      return ['img', mergeAttributes({ loading: 'lazy', draggable: 'true' }, HTMLAttributes)];
    const { alt, 'data-id': id } = HTMLAttributes as Record<string, string | undefined>;
    return ['div', { class: 'image-elsewhere', 'data-id': id ?? null }, elsewhere(alt)];
  },

  addCommands() {
    return {
      uploadImages:
        (files, pos) =>
        ({ editor, dispatch }) => {
          if (files.length === 0) return false;
          if (dispatch) void place(editor.view, files, pos, this.options);
          return true;
        },
    };
  },

  addKeyboardShortcuts() {
    return {
      Enter: () => {
        const { selection } = this.editor.state;
        if (!(selection instanceof NodeSelection) || selection.node.type !== this.type)
          return false;
        const dom = this.editor.view.nodeDOM(selection.from);
        const field = dom instanceof HTMLElement ? dom.querySelector('input') : null;
        field?.focus();
        return field !== null;
      },
    };
  },

  addNodeView() {
    return ({ node, editor, getPos }) => {
      let current = node;
      const dom = document.createElement('figure');
      const shown = isOwnImage(node.attrs.src);
      dom.className = shown ? 'picture' : 'image-elsewhere';
      const img = document.createElement('img');
      const field = document.createElement('input');
      field.className = 'picture-alt';
      field.placeholder = 'What it shows, for those who cannot see it';
      field.maxLength = 1000;
      field.setAttribute('aria-label', 'Description of the picture');
      if (shown) {
        img.loading = 'lazy';
        img.draggable = false;
        img.src = String(node.attrs.src);
        dom.append(img, field);
      }

      field.addEventListener('change', () => {
        const pos = getPos();
        const alt = field.value.trim();
        if (pos !== undefined && alt !== current.attrs.alt)
          editor.view.dispatch(editor.state.tr.setNodeAttribute(pos, 'alt', alt));
      });
      // Words in the field are selected with the mouse, which would else drag the picture.
      field.addEventListener('focus', () => (dom.draggable = false));
      field.addEventListener('blur', () => (dom.draggable = true));
      field.addEventListener('keydown', (event) => {
        if (event.key !== 'Escape' && event.key !== 'Enter') return;
        event.preventDefault();
        field.blur();
        editor.commands.focus();
      });

      const show = () => {
        const alt = String(current.attrs.alt ?? '');
        dom.dataset.id = String(current.attrs.id ?? '');
        if (!shown) {
          dom.textContent = elsewhere(alt);
          return;
        }
        const width = Number(current.attrs.width);
        if (width > 0) img.width = width;
        else img.removeAttribute('width');
        img.alt = alt;
        if (document.activeElement !== field) field.value = alt;
        field.disabled = !editor.isEditable;
        dom.classList.toggle('is-undescribed', alt === '');
      };
      show();
      editor.on('update', show);

      return {
        dom,
        update(next) {
          if (next.type !== current.type || next.attrs.src !== current.attrs.src) return false;
          current = next;
          show();
          return true;
        },
        stopEvent: (event) => event.target === field,
        ignoreMutation: () => true,
        destroy: () => editor.off('update', show),
      };
    };
  },

  addProseMirrorPlugins() {
    const { options } = this;
    return [
      new Plugin({
        key: new PluginKey('imageDrop'),
        props: {
          handlePaste(view, event) {
            const files = pictures(event.clipboardData?.files);
            // Office programs put a picture of the text beside the text; the text is what was meant.
            const words = event.clipboardData?.getData('text/html') ?? '';
            if (files.length === 0 || words.replace(/<[^>]*>/g, '').trim()) return false;
            void place(view, files, undefined, options);
            return true;
          },
          handleDrop(view, event, _slice, moved) {
            const files = pictures(event.dataTransfer?.files);
            if (moved || files.length === 0) return false;
            event.preventDefault();
            const at = view.posAtCoords({ left: event.clientX, top: event.clientY });
            void place(view, files, at?.pos, options);
            return true;
          },
        },
      }),
    ];
  },
});

async function place(
  view: EditorView,
  files: readonly File[],
  pos: number | undefined,
  { upload, onProblem }: ImageOptions,
): Promise<void> {
  for (const file of files) {
    try {
      const { src } = await upload(file);
      if (view.isDestroyed) return;
      const { state } = view;
      const node = state.schema.nodes.image?.create({ src, alt: nameOf(file) });
      if (!node) return;
      // Others may have typed while it was on its way: after the block that is there now.
      const $at = state.doc.resolve(Math.min(pos ?? state.selection.to, state.doc.content.size));
      const at = $at.depth > 0 ? $at.after(1) : $at.pos;
      view.dispatch(state.tr.insert(at, node).scrollIntoView());
    } catch (error) {
      const why = error instanceof Error ? error.message : 'the server did not take it';
      onProblem(`${file.name} was not inserted: ${why}`);
    }
  }
}

function nameOf(file: File): string {
  return file.name.replace(/\.[^.]*$/, '');
}
