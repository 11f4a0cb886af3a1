import { mergeAttributes, Node } from '@tiptap/core';
import { Plugin, PluginKey } from '@tiptap/pm/state';
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
    const words = `Picture from elsewhere, not loaded${alt ? `: ${alt}` : ''}`;
    return ['div', { class: 'image-elsewhere', 'data-id': id ?? null }, words];
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
