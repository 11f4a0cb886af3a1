import { isSafeLink } from './extensions/link';
import { adoptLists, makeActions, nestWordLists, nestWordParagraphs } from './pasteLists';
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
  'data-action',
  'data-owner',
  'data-due',
  'data-status',
  'data-language',
]);

/** What only a copy from a brief may say. */
const OURS = new Set(['data-id', 'data-origin', 'data-pm-slice']);

const DROPPED =
  'script, style, meta, link, title, template, object, embed, iframe, svg, noscript, colgroup, ' +
  'button, select, textarea, audio, video, canvas, [data-references], [hidden], [aria-hidden="true"]';

/** Characters of HTML, or of text, that are read: two seconds of work for the page at most. */
export const LONGEST_PASTE = 1_000_000;

/** What to tell of a paste that is too long; null where it is not. */
export function tooLong(length: number): string | null {
  if (length <= LONGEST_PASTE) return null;
  const size = (length / 1e6).toFixed(1);
  return (
    `This is ${size} million characters with its formatting, and a brief takes ` +
    `${LONGEST_PASTE / 1e6} million at once. Paste it in parts, or add it as a source.`
  );
}

/** A piece of a brief is marked as a slice and has blocks with ids of ours. */
function isOurs(body: HTMLElement): boolean {
  if (!body.querySelector('[data-pm-slice]')) return false;
  return [...body.querySelectorAll('[data-id]')].some((element) =>
    /^[a-z0-9]{10}$/.test(element.getAttribute('data-id') ?? ''),
  );
}

/**
 * Leaves of a pasted page what a brief can hold: no styles, no classes, no pictures from elsewhere,
 * no list of references that was written for readers outside.
 */
export function cleanPasted(html: string): string {
  const { body } = new DOMParser().parseFromString(html, 'text/html');
  for (const element of body.querySelectorAll(DROPPED)) element.remove();
  removeComments(body);
  const ours = isOurs(body);
  if (!ours) restructure(body);
  for (const element of body.querySelectorAll<HTMLElement>('*')) simplify(element, ours);
  if (!ours) removeEmpty(body);
  return body.innerHTML;
}

function removeComments(body: HTMLElement): void {
  const comments = body.ownerDocument.createTreeWalker(body, NodeFilter.SHOW_COMMENT);
  const found: Node[] = [];
  while (comments.nextNode()) found.push(comments.currentNode);
  for (const comment of found) comment.parentNode?.removeChild(comment);
}

/** What other programs mean by classes and styles, said in elements. */
function restructure(body: HTMLElement): void {
  for (const hidden of body.querySelectorAll<HTMLElement>('[style*="display"]'))
    if (hidden.style.display === 'none') hidden.remove();
  nestWordParagraphs(body);
  nestWordLists(body);
  adoptLists(body);
  makeActions(body);
  for (const titled of body.querySelectorAll(
    'p[role="heading"], p.MsoTitle, p[class^="MsoHeading"]',
  ))
    rename(titled, `h${headingLevel(titled)}`);
  for (const element of body.querySelectorAll('h5, h6')) rename(element, 'h4');
  for (const element of body.querySelectorAll('tt, kbd, samp')) rename(element, 'code');
  for (const caption of body.querySelectorAll('caption')) {
    const table = caption.closest('table');
    table?.before(rename(caption, 'p'));
  }
  for (const cell of body.querySelectorAll('thead td')) rename(cell, 'th');
}

function headingLevel(element: Element): number {
  const told = element.getAttribute('aria-level') ?? /\d/.exec(element.className)?.[0];
  return Math.min(4, Math.max(1, Number(told) || 1));
}

function rename(element: Element, name: string): Element {
  const renamed = element.ownerDocument.createElement(name);
  for (const { name: attribute, value } of [...element.attributes])
    renamed.setAttribute(attribute, value);
  renamed.append(...element.childNodes);
  element.replaceWith(renamed);
  return renamed;
}

/** One element without what a brief cannot hold; its words stay where they are. */
function simplify(element: HTMLElement, ours: boolean): void {
  if (element.localName === 'img' && !isOwnImage(element.getAttribute('src'))) {
    // A stranger would learn who reads it: only its description is taken.
    const alt = element.getAttribute('alt')?.trim();
    element.replaceWith(...(alt ? [`[${alt}]`] : []));
    return;
  }
  const isLink = element.localName === 'a';
  if (isLink) element.setAttribute('href', addressOf(element));
  if (
    // Word's own elements, such as its empty paragraphs and the places it recognised.
    element.localName.includes(':') ||
    // Google Docs wraps everything in a bold element that is not bold.
    (element.localName === 'b' && element.style.fontWeight === 'normal') ||
    (isLink && !isSafeLink(element.getAttribute('href') ?? ''))
  ) {
    element.replaceWith(...element.childNodes);
    return;
  }
  if (element.localName === 'span' && !ours) keepEmphasis(element);
  for (const { name, value } of [...element.attributes])
    if (
      !KEPT_ATTRIBUTES.has(name) &&
      !(ours && OURS.has(name)) &&
      !(element.localName === 'code' && name === 'class' && /^language-[\w+#-]+$/.test(value))
    )
      element.removeAttribute(name);
}

/** Where a link leads, without the page that would count the click. */
function addressOf(link: Element): string {
  const href = link.getAttribute('href')?.trim() ?? '';
  if (!href.startsWith('https://www.google.com/url?')) return href;
  return new URL(href).searchParams.get('q') ?? href;
}

/** Emphasis that was only a style becomes an element before the styles go. */
function keepEmphasis(span: HTMLElement): void {
  const { fontWeight, fontStyle, fontFamily, textDecorationLine, textDecoration } = span.style;
  const line = textDecorationLine || textDecoration;
  const wrap = (name: string) => {
    const element = span.ownerDocument.createElement(name);
    element.append(...span.childNodes);
    span.append(element);
  };
  if (/\bmono|courier|consolas|menlo/i.test(fontFamily)) {
    if (!span.closest('pre, code')) wrap('code');
    return;
  }
  const isHeading = span.closest('h1, h2, h3, h4') !== null;
  if (!isHeading && (fontWeight === 'bold' || Number(fontWeight) >= 600)) wrap('strong');
  if (fontStyle === 'italic') wrap('em');
  if (line.includes('line-through')) wrap('s');
  if (line.includes('underline') && !span.closest('a') && !span.querySelector('a')) wrap('u');
}

/** Programs part paragraphs by empty ones; ours have a margin. */
function removeEmpty(body: HTMLElement): void {
  const BLOCK = 'p, h1, h2, h3, h4, li, blockquote';
  for (const block of [...body.querySelectorAll(BLOCK)].reverse())
    if (!block.textContent.trim() && !block.querySelector('img, [data-cite], table, hr'))
      block.remove();
  for (const list of [...body.querySelectorAll('ul, ol')].reverse())
    if (!list.querySelector('li')) list.remove();
  for (const line of body.querySelectorAll(':scope > br, :not(p, li, td, th, span, a) > br'))
    if (line.previousElementSibling?.matches('p, div, table, ul, ol')) line.remove();
}
