import { Extension } from '@tiptap/core';

/**
 * What belongs in an empty paragraph of a template. It is drawn by the style sheet while nothing is
 * written there, and is no text: nothing exports it, counts it or checks it.
 */
export const prompt = Extension.create({
  name: 'prompt',

  addGlobalAttributes() {
    return [
      {
        types: ['paragraph'],
        attributes: {
          prompt: {
            default: null,
            keepOnSplit: false,
            parseHTML: (element) => element.getAttribute('data-prompt'),
            renderHTML: (attributes) => {
              const text: unknown = attributes.prompt;
              return typeof text === 'string' && text ? { 'data-prompt': text } : {};
            },
          },
        },
      },
    ];
  },
});
