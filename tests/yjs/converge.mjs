// Two unmodified y-websocket clients type into one brief until they agree.
//   node converge.mjs ws://host/rooms BRIEF
import { createRequire } from 'node:module'
const require = createRequire(new URL('../../frontend/package.json', import.meta.url))
const Y = require('yjs')
const { WebsocketProvider } = require('y-websocket')
const WebSocket = require('ws')

const [, , url, brief] = process.argv
const open = () => {
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(url, brief, doc, { WebSocketPolyfill: WebSocket, disableBc: true })
  return { doc, provider, title: doc.getText('title'), body: doc.getXmlFragment('body') }
}
const until = async (test, what) => {
  const end = Date.now() + 15000
  while (!test()) {
    if (Date.now() > end) throw new Error('never: ' + what)
    await new Promise(r => setTimeout(r, 5))
  }
}
const a = open(), b = open()
await until(() => a.provider.synced && b.provider.synced, 'synced')
a.provider.awareness.setLocalState({ user: { name: 'Ada' } })
for (let i = 0; i < 50; i++) {
  a.title.insert(a.title.length, 'a')
  b.title.insert(0, 'b')
  if (i % 10 === 0) await new Promise(r => setTimeout(r, 1))
}
await until(() => a.title.toString() === b.title.toString() && a.title.length >= 100, 'equal')
await until(() => [...b.provider.awareness.getStates().values()].some(s => s.user?.name === 'Ada'), 'presence')
console.log(JSON.stringify({ title: a.title.toString(), body: a.body.toString() }))
a.provider.destroy(); b.provider.destroy()
process.exit(0)
