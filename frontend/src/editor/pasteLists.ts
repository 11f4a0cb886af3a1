/** Lists as other programs write them, made into lists within lists. */

type Kind = 'ul' | 'ol';

interface Item {
  kind: Kind;
  /** From one. */
  level: number;
  start: number;
  content: Node[];
}

/** No program nests deeper, and a made-up level must not cost as many elements. */
const DEEPEST = 9;

/** Puts items one after the other into lists, each under the last one of a lower level. */
function nested(page: Document, items: readonly Item[]): HTMLElement[] {
  const lists: HTMLElement[] = [];
  const open: { list: HTMLElement; kind: Kind; level: number }[] = [];
  for (const { kind, level, start, content } of items) {
    const isAbove = () => {
      const top = open.at(-1);
      return top && (top.level > level || (top.level === level && top.kind !== kind));
    };
    while (isAbove()) open.pop();
    if (open.at(-1)?.level !== level) {
      const list = page.createElement(kind);
      if (kind === 'ol' && start > 1) list.setAttribute('start', String(start));
      const above = open.at(-1)?.list.lastElementChild;
      if (above) above.append(list);
      else lists.push(list);
      open.push({ list, kind, level });
    }
    const item = page.createElement('li');
    item.append(...content);
    open.at(-1)?.list.append(item);
  }
  return lists;
}

function levelOf(text: string | null | undefined): number {
  return Math.min(DEEPEST, Math.max(1, Number(text) || 1));
}

/** The elements of one kind that follow each other with nothing between them. */
function runs(all: Iterable<Element>): Element[][] {
  const found: Element[][] = [];
  for (const element of all) {
    const run = found.at(-1);
    if (run && run.at(-1) === element.previousElementSibling) run.push(element);
    else found.push([element]);
  }
  return found;
}

function replace(run: readonly Element[], lists: readonly HTMLElement[]): void {
  run[0]?.before(...lists);
  for (const element of run) element.remove();
}

/** Word on a desktop: paragraphs that begin with their bullet or number, and tell their level. */
export function nestWordParagraphs(body: HTMLElement): void {
  const page = body.ownerDocument;
  for (const run of runs(body.querySelectorAll('p[style*="mso-list"]'))) {
    const items = run.map((paragraph): Item => {
      const marker = paragraph.querySelector(
        '[style*="mso-list:Ignore" i], [style*="mso-list: Ignore" i]',
      );
      const sign = marker?.textContent.trim() ?? '';
      marker?.remove();
      const level = /level(\d+)/.exec(paragraph.getAttribute('style') ?? '')?.[1];
      return {
        kind: /^(\d+|[a-z]{1,4})[.)]/i.test(sign) ? 'ol' : 'ul',
        level: levelOf(level),
        start: Number.parseInt(sign, 10) || 1,
        content: [...paragraph.childNodes],
      };
    });
    replace(run, nested(page, items));
  }
}

/** Word in a browser: a list for each item, which tells its level. */
export function nestWordLists(body: HTMLElement): void {
  const page = body.ownerDocument;
  for (const wrapper of body.querySelectorAll('.ListContainerWrapper'))
    wrapper.replaceWith(...wrapper.childNodes);
  const lists = [...body.querySelectorAll('ul, ol')].filter(
    (list) => list.firstElementChild?.hasAttribute('data-aria-level') ?? false,
  );
  for (const run of runs(lists)) {
    const items = run.flatMap((list) =>
      [...list.children].map((item): Item => ({
        kind: list.localName === 'ol' ? 'ol' : 'ul',
        level: levelOf(item.getAttribute('data-aria-level')),
        start: Number(list.getAttribute('start')) || 1,
        content: [...item.childNodes],
      })),
    );
    replace(run, nested(page, items));
  }
}

/** Google Docs writes a list within a list beside the item it belongs to. */
export function adoptLists(body: HTMLElement): void {
  for (const list of body.querySelectorAll(':is(ul, ol) > :is(ul, ol)')) {
    const before = list.previousElementSibling;
    if (before?.localName === 'li') before.append(list);
    else {
      const item = body.ownerDocument.createElement('li');
      list.replaceWith(item);
      item.append(list);
    }
  }
}

/** A list whose every item has a box to tick is a list of things to do. */
export function makeActions(body: HTMLElement): void {
  const BOX = 'input[type="checkbox"], .checkbox';
  for (const list of body.querySelectorAll('ul')) {
    const items = [...list.children];
    const boxes = items.map((item) =>
      [...item.querySelectorAll(BOX)].find((box) => box.closest('li') === item),
    );
    if (items.length === 0 || boxes.includes(undefined) || list.querySelector('ul, ol')) continue;
    const actions = items.map((item, n) => {
      const box = boxes[n];
      const isDone = box?.hasAttribute('checked') || box?.classList.contains('checkbox-on');
      box?.remove();
      const action = list.ownerDocument.createElement('div');
      action.setAttribute('data-action', '');
      action.setAttribute('data-status', isDone ? 'done' : 'open');
      action.textContent = item.textContent.replace(/\s+/g, ' ').trim();
      return action;
    });
    list.replaceWith(...actions);
  }
}
