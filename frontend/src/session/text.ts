import * as Y from 'yjs';

const BLOCKS = new Set([
  'paragraph',
  'heading',
  'codeBlock',
  'action',
  'tableRow',
  'horizontalRule',
  'image',
]);

function append(lines: string[], text: string): void {
  lines.push((lines.pop() ?? '') + text);
}

function write(node: Y.XmlElement | Y.XmlText | Y.XmlHook, lines: string[]): void {
  if (node instanceof Y.XmlText) {
    for (const part of node.toDelta() as { insert: unknown }[])
      if (typeof part.insert === 'string') append(lines, part.insert);
    return;
  }
  if (!(node instanceof Y.XmlElement)) return;
  if (node.nodeName === 'hardBreak') lines.push('');
  if (node.nodeName === 'citation') append(lines, ' [cited]');
  for (const child of node.toArray()) write(child, lines);
  if (node.nodeName === 'tableCell' || node.nodeName === 'tableHeader') append(lines, '\t');
  else if (BLOCKS.has(node.nodeName)) lines.push('');
}

/** The words of a brief, for copying out when nothing else is left to do with them. */
export function plainText(doc: Y.Doc): string {
  const lines = [''];
  for (const block of doc.getXmlFragment('body').toArray()) write(block, lines);
  const title = doc.getText('title').toJSON();
  return `${title}\n\n${lines.join('\n')}`.trim();
}
