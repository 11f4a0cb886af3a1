// Messages as the y-protocols' own code writes them: [{ what, hex, ... }]
import { createRequire } from 'node:module'
const require = createRequire(new URL('../../frontend/package.json', import.meta.url))
const Y = require('yjs')
const encoding = require('lib0/encoding')
const sync = require('y-protocols/sync')
const awareness = require('y-protocols/awareness')

const hex = bytes => Buffer.from(bytes).toString('hex')
const out = []
const message = (what, write, more = {}) => {
  const encoder = encoding.createEncoder()
  write(encoder)
  out.push({ what, hex: hex(encoding.toUint8Array(encoder)), ...more })
}
const doc = new Y.Doc()
doc.getText('title').insert(0, 'naïve 😀')
const update = Y.encodeStateAsUpdate(doc)
const state = Y.encodeStateVector(doc)
message('step_1', e => { encoding.writeVarUint(e, 0); sync.writeSyncStep1(e, doc) }, { payload: hex(state) })
message('step_2', e => { encoding.writeVarUint(e, 0); sync.writeSyncStep2(e, doc) }, { payload: hex(update) })
message('update', e => { encoding.writeVarUint(e, 0); sync.writeUpdate(e, update) }, { payload: hex(update) })
const present = new awareness.Awareness(doc)
present.setLocalState({ user: { name: 'Ada 😀' } })
message('presences', e => {
  encoding.writeVarUint(e, 1)
  encoding.writeVarUint8Array(e, awareness.encodeAwarenessUpdate(present, [doc.clientID]))
}, { client: doc.clientID, clock: present.meta.get(doc.clientID).clock, state: JSON.stringify(present.getLocalState()) })
message('query_presences', e => encoding.writeVarUint(e, 3))
message('hello', e => {
  encoding.writeVarUint(e, 100); encoding.writeVarUint(e, 1); encoding.writeVarString(e, 'épo')
})
for (const number of [0, 1, 127, 128, 16383, 16384, 2 ** 31, 2 ** 32, 2 ** 53 - 1]) {
  message('integer', e => encoding.writeVarUint(e, number), { number })
}
present.destroy()
process.stdin.resume().on('data', () => {}).on('end', () => console.log(JSON.stringify(out)))
