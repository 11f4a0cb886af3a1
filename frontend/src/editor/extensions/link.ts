import { Link } from '@tiptap/extension-link';

const SAFE = /^(https?:|mailto:|tel:)/i;

export function isSafeLink(href: string): boolean {
  return SAFE.test(href.trim()) || /^[/#?](?!\/)/.test(href.trim());
}

/** Links that hold an address and nothing else; scripts and data are not addresses. */
export const link = Link.extend({
  addAttributes() {
    return { href: { default: null } };
  },
}).configure({
  openOnClick: false,
  autolink: true,
  linkOnPaste: true,
  defaultProtocol: 'https',
  isAllowedUri: (href) => isSafeLink(href),
  shouldAutoLink: (href) => isSafeLink(href) || /^[\w-]+(\.[\w-]+)+/.test(href),
  HTMLAttributes: { rel: 'noopener noreferrer nofollow', target: '_blank' },
});
