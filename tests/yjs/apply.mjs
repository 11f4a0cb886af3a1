// Reads a list of updates in hex; answers which of them Yjs can apply to an empty document,
// encode again, and read as JSON: [true, false, ...]
import { createRequire } from 'node:module'
const require = createRequire(new URL('../../frontend/package.json', import.meta.url))
const Y = require('yjs')
let input = ''
process.stdin.on('data', piece => { input += piece }).on('end', () => {
  console.error = () => {}
  const answers = JSON.parse(input).map(update => {
    try {
      const bytes = Buffer.from(update, 'hex')
      const doc = new Y.Doc()
      Y.applyUpdate(doc, bytes)
      Y.decodeUpdate(bytes)
      return true
    } catch { return false }
  })
  process.stdout.write(JSON.stringify(answers))
})
