// What Yjs makes of what clients heard. Reads [[hex, ...], ...], the updates that came to each, in
// order; answers [title, ...].
import { createRequire } from 'node:module'
const require = createRequire(new URL('../../frontend/package.json', import.meta.url))
const Y = require('yjs')

let input = ''
process.stdin.on('data', piece => { input += piece }).on('end', () => {
  process.stdout.write(JSON.stringify(JSON.parse(input).map(updates => {
    const doc = new Y.Doc()
    for (const update of updates) Y.applyUpdate(doc, Buffer.from(update, 'hex'))
    return doc.getText('title').toString()
  })))
})
