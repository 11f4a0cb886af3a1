// A client that says hello, writes numbered words one update each, and prints how many the
// server has called saved. It never returns: what it was told is saved must be there without it.
//   node scribe.mjs URL BRIEF NAME
import { createRequire } from 'node:module'
const require = createRequire(new URL('../../frontend/package.json', import.meta.url))
const Y = require('yjs')
const sync = require('y-protocols/sync')
const encoding = require('lib0/encoding')
const decoding = require('lib0/decoding')
const WebSocket = require('ws')

const [, , url, brief, name] = process.argv
const doc = new Y.Doc()
const body = doc.getXmlFragment('body')
const socket = new WebSocket(`${url}/${brief}`)
socket.binaryType = 'arraybuffer'
const send = write => {
  const encoder = encoding.createEncoder()
  write(encoder)
  if (socket.readyState === 1) socket.send(encoding.toUint8Array(encoder))
}
let sent = 0 // update-bearing messages
const words = [] // which word each of them carried
const say = what => process.stdout.write(JSON.stringify(what) + '\n')

const write = () => {
  const word = `${name}-${words.filter(Boolean).length}`
  words[sent] = word
  const node = new Y.XmlElement('paragraph')
  node.setAttribute('id', word)
  body.insert(body.length, [node])
}
doc.on('update', (update, origin) => {
  if (origin === 'server') return
  sent++
  send(e => { encoding.writeVarUint(e, 0); sync.writeUpdate(e, update) })
})
socket.on('open', () => send(e => {
  encoding.writeVarUint(e, 100); encoding.writeVarUint(e, 1); encoding.writeVarString(e, '')
}))
socket.on('message', data => {
  const decoder = decoding.createDecoder(new Uint8Array(data))
  const kind = decoding.readVarUint(decoder)
  if (kind === 100) {
    decoding.readVarUint(decoder)
    say({ epoch: decoding.readVarString(decoder), access: decoding.readVarString(decoder) })
    send(e => { encoding.writeVarUint(e, 0); sync.writeSyncStep1(e, doc) })
  } else if (kind === 0) {
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, 0)
    const step = sync.readSyncMessage(decoder, encoder, doc, 'server')
    if (step === 0) { // our step 2 counts too; then the writing begins
      sent++
      socket.send(encoding.toUint8Array(encoder))
      setInterval(write, 2)
    }
  } else if (kind === 101) {
    const saved = decoding.readVarUint(decoder)
    say({ saved: words.slice(0, saved).filter(Boolean) })
  }
})
socket.on('error', () => {})
socket.on('close', () => { say({ closed: true }); process.exit(0) })
