// Unmodified y-websocket clients edit one brief at random, lose their sockets at random, and
// settle. Prints a line of JSON for every tenth of the edits, then, told on stdin that the server
// will stay, what each client holds. Of several URLs, joined by commas, each client begins with its
// own and goes to the next when it loses its socket.
//   node torture.mjs URL[,URL…] BRIEF SEED CLIENTS EDITS
import { createRequire } from 'node:module'
const require = createRequire(new URL('../../frontend/package.json', import.meta.url))
const Y = require('yjs')
const { WebsocketProvider } = require('y-websocket')
const WebSocket = require('ws')

const [, , url, brief, seed, count, edits] = process.argv
let state = Number(seed) >>> 0
const random = () => { // mulberry32
  state = (state + 0x6d2b79f5) >>> 0
  let t = state
  t = Math.imul(t ^ (t >>> 15), t | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const below = n => Math.floor(random() * n)
const say = what => process.stdout.write(JSON.stringify(what) + '\n')
const pause = ms => new Promise(r => setTimeout(r, ms))

class Client {
  constructor (n) {
    this.n = n
    this.doc = new Y.Doc()
    const urls = url.split(',')
    let at = n % urls.length
    this.provider = new WebsocketProvider(urls[at], brief, this.doc, {
      WebSocketPolyfill: WebSocket, disableBc: true, maxBackoffTime: 200
    })
    this.provider.on('connection-close', () => {
      this.provider.serverUrl = urls[++at % urls.length]
    })
    this.title = this.doc.getText('title')
    this.body = this.doc.getXmlFragment('body')
    this.mine = [] // paragraphs made and not deleted
    this.made = 0
  }
  edit () {
    const dice = random()
    if (dice < 0.5) { // a paragraph with words and a citation of its own
      const id = `c${this.n}-${this.made++}`
      const node = new Y.XmlElement('paragraph')
      node.setAttribute('id', id)
      const cite = new Y.XmlElement('citation')
      cite.setAttribute('cite', 'cit_' + id)
      const text = new Y.XmlText()
      text.insert(0, `words of ${id}`)
      node.insert(0, [text, cite])
      this.body.insert(below(this.body.length + 1), [node])
      this.mine.push({ id, node })
    } else if (dice < 0.6 && this.mine.length) { // delete one of its own
      const [{ node }] = this.mine.splice(below(this.mine.length), 1)
      const at = this.body.toArray().indexOf(node)
      this.body.delete(at, 1)
    } else if (dice < 0.75 && this.body.length) { // type into anyone's paragraph
      const node = this.body.get(below(this.body.length))
      const text = node.get(0)
      if (text instanceof Y.XmlText) text.insert(below(text.length + 1), 'ü😀')
    } else if (dice < 0.85 && this.title.length > 3) {
      this.title.delete(below(this.title.length - 2), 2)
    } else {
      this.title.insert(below(this.title.length + 1), String.fromCharCode(97 + below(26)))
    }
  }
  holds () {
    return {
      title: this.title.toString(),
      body: this.body.toString(),
      ids: this.body.toArray().map(node => node.getAttribute?.('id')),
      mine: this.mine.map(entry => entry.id)
    }
  }
}

const clients = Array.from({ length: Number(count) }, (_, n) => new Client(n))
while (!clients.every(client => client.provider.synced)) await pause(5)
say({ ready: true })
for (let done = 1; done <= edits; done++) {
  const client = clients[below(clients.length)]
  client.edit()
  if (random() < 0.02) { // gone for a while, editing on
    client.provider.disconnect()
    setTimeout(() => client.provider.connect(), below(300))
  }
  if (random() < 0.2) await pause(below(8))
  if (done % (edits / 10) === 0) say({ done })
}
await new Promise(r => process.stdin.once('data', r)) // the server is there for good
const end = Date.now() + 30000
const same = () => clients.every(client => client.provider.synced) &&
  new Set(clients.map(client => Buffer.from(Y.encodeStateVector(client.doc)).toString('hex').length)).size === 1 &&
  new Set(clients.map(client => client.body.toString() + client.title.toString())).size === 1
let quiet = 0
while (quiet < 20) { // equal, and staying so for a while
  if (Date.now() > end) break
  quiet = same() ? quiet + 1 : 0
  await pause(20)
}
// Exiting sooner would cut a long line short.
process.stdout.write(JSON.stringify({ clients: clients.map(client => client.holds()) }) + '\n', () => process.exit(0))
