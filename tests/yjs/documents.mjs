// Documents as the editor's own binding writes them. Reads { make: [json, ...], read: [hex, ...] };
// answers { made: [hex, ...], read: [json, ...] }: ProseMirror JSON to Yjs updates, and back.
import { createRequire } from 'node:module'
const require = createRequire(new URL('../../frontend/package.json', import.meta.url))
const Y = require('yjs')
const { prosemirrorJSONToYXmlFragment, initProseMirrorDoc } = require('@tiptap/y-tiptap')
const { Schema } = require('@tiptap/pm/model')

const id = { id: { default: null } }
const block = (content, attrs = {}, more = {}) => ({ content, group: 'block', attrs: { ...id, ...attrs }, ...more })
const schema = new Schema({
  nodes: {
    doc: { content: 'block+' },
    paragraph: block('inline*'),
    heading: block('inline*', { level: { default: 1 } }),
    bulletList: block('listItem+'),
    orderedList: block('listItem+', { start: { default: 1 } }),
    listItem: { content: 'paragraph block*', attrs: id },
    blockquote: block('block+'),
    codeBlock: block('text*', { language: { default: null } }, { marks: '', code: true }),
    horizontalRule: block(undefined),
    table: block('tableRow+'),
    tableRow: { content: '(tableCell | tableHeader)*', attrs: id },
    tableHeader: { content: 'block+', attrs: id },
    tableCell: { content: 'block+', attrs: id },
    image: block(undefined, { src: {}, alt: { default: null }, width: { default: null } }),
    action: block('inline*', { owner: { default: '' }, due: { default: '' }, status: { default: 'open' } }),
    text: { group: 'inline' },
    hardBreak: { group: 'inline', inline: true },
    citation: { group: 'inline', inline: true, atom: true, attrs: { cite: {} } }
  },
  marks: { bold: {}, italic: {}, strike: {}, underline: {}, code: {}, link: { attrs: { href: {} } } }
})

let input = ''
process.stdin.on('data', piece => { input += piece }).on('end', () => {
  const { make, read } = JSON.parse(input)
  const made = make.map(json => {
    const doc = new Y.Doc()
    doc.getText('title').insert(0, 'Título 😀')
    prosemirrorJSONToYXmlFragment(schema, json, doc.getXmlFragment('body'))
    return Buffer.from(Y.encodeStateAsUpdate(doc)).toString('hex')
  })
  const back = read.map(hex => {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, Buffer.from(hex, 'hex'))
    const { doc: node } = initProseMirrorDoc(doc.getXmlFragment('body'), schema)
    node.check()
    return { title: doc.getText('title').toString(), doc: node.toJSON() }
  })
  process.stdout.write(JSON.stringify({ made, read: back }))
})
