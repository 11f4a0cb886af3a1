import { isOwnImage } from './schema';

const KEPT_ATTRIBUTES = new Set([
  'href',
  'src',
  'alt',
  'width',
  'colspan',
  'rowspan',
  'start',
  'data-cite',
  'data-id',
  'data-action',
  'data-owner',
  'data-due',
  'data-status',
  'data-language',
  'data-pm-slice',
]);

const DROPPED =
  'script, style, meta, link, title, template, object, embed, iframe, svg, [data-references]';

/** Word writes lists as paragraphs that begin with their bullet or number. */
function wordLists(body: HTMLElement): void {
  for (const paragraph of body.querySelectorAll<HTMLElement>('p[class*="MsoListParagraph"]')) {
    const marker = paragraph.querySelector('[style*="mso-list"]');
    const kind = /^\s*(\d+|[a-z])[.)]/i.test(marker?.textContent ?? '') ? 'ol' : 'ul';
    marker?.remove();
    const item = body.ownerDocument.createElement('li');
    item.append(...paragraph.childNodes);
    const before = paragraph.previousElementSibling;
    if (before?.localName === kind && before.hasAttribute('data-word')) {
      before.append(item);
      paragraph.remove();
    } else {
      const list = body.ownerDocument.createElement(kind);
      list.setAttribute('data-word', '');
      list.append(item);
      paragraph.replaceWith(list);
    }
  }
}

/**
 * Leaves of a pasted page what a brief can hold: no styles, no classes, no pictures from elsewhere,
 * no list of references that was written for readers outside.
 */
export function cleanPasted(html: string): string {
  const { body } = new DOMParser().parseFromString(html, 'text/html');
  for (const element of body.querySelectorAll(DROPPED)) element.remove();
  const comments = body.ownerDocument.createTreeWalker(body, NodeFilter.SHOW_COMMENT);
  const found: Node[] = [];
  while (comments.nextNode()) found.push(comments.currentNode);
  for (const comment of found) comment.parentNode?.removeChild(comment);
  wordLists(body);
  for (const element of body.querySelectorAll<HTMLElement>('*')) {
    // Word's empty paragraphs in its own namespace, and pictures a stranger would learn of.
    if (
      element.localName.includes(':') ||
      (element.localName === 'img' && !isOwnImage(element.getAttribute('src')))
    ) {
      element.replaceWith(...element.childNodes);
      continue;
    }
    // Google Docs wraps everything in a bold element that is not bold.
    if (element.localName === 'b' && element.style.fontWeight === 'normal') {
      element.replaceWith(...element.childNodes);
      continue;
    }
    if (element.localName === 'span') keepEmphasis(element);
    for (const { name } of [...element.attributes])
      if (!KEPT_ATTRIBUTES.has(name)) element.removeAttribute(name);
  }
  return body.innerHTML;
}

/** Emphasis that was only a style becomes an element before the styles go. */
function keepEmphasis(span: HTMLElement): void {
  const { fontWeight, fontStyle } = span.style;
  const wrap = (name: string) => {
    const element = span.ownerDocument.createElement(name);
    element.append(...span.childNodes);
    span.append(element);
  };
  if (fontWeight === 'bold' || Number(fontWeight) >= 600) wrap('strong');
  if (fontStyle === 'italic') wrap('em');
}
