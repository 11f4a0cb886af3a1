// Clients of all kinds edit one brief at random, over whatever network they are given.
//   node crowd.mjs '{"wild": URL, "line": URL, "brief", "seed", "plain": 2, "hocuspocus": 2,
//                    "session": 2, "edits": 10000, "halves": true, "reloads": false}'
// On stdin it is asked, a line each: ["write"], for the next twentieth of the edits, at the end of
// which it prints {"done": n}; ["saved"], for the words that clients were told are durable;
// ["same", [update, ...]], in what the clients, and a document of these updates (in hex), differ,
// null where they do not; ["settled"], the same once all are connected and saved; ["held"], what
// the first client has, and how often; ["model"], for what must be where.
// What the words are, and the places they are in, is told in model.py.
import { createInterface } from 'node:readline'
import { plain, hocuspocus, session, Y } from './clients.mjs'

const given = JSON.parse(process.argv[2])
let state = given.seed >>> 0
const random = () => { // mulberry32
  state = (state + 0x6d2b79f5) >>> 0
  let t = state
  t = Math.imul(t ^ (t >>> 15), t | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const below = n => Math.floor(random() * n)
const some = list => list[below(list.length)]
const say = what => process.stdout.write(JSON.stringify(what) + '\n')
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

// What was done, by everybody: see model.py.
const where = new Map() // word or citation → the place it is in
const deleted = new Set() // "word@place"
const removed = new Set() // places
const within = new Map() // place → the place around it

const WORD = /\{\d+\.\d+\}/g
const MARKS = ['bold', 'italic', 'underline']
const whole = (text, at) => /[\udc00-\udfff]/.test(text[at] ?? '') ? at + 1 : at
const textOf = text => text.toDelta().map(piece => typeof piece.insert === 'string' ? piece.insert : '\ufffc').join('')
const isElement = node => node instanceof Y.XmlElement
const holdsWords = node => ['paragraph', 'heading', 'action'].includes(node.nodeName)
const place = node => node.getAttribute('made') ?? 'seed'
const cites = node => node.toArray().filter(child => isElement(child) && child.nodeName === 'citation')

class Writer {
  constructor (n, kind, client) {
    this.n = n
    this.kind = kind
    this.client = client
    this.count = 0
    this.log = [] // for each change this client made: [[word, there or not, place], ...]
    this.effects = []
    this.settleIn()
  }

  settleIn () { // a document's own: anew for a page that was loaded again
    const { doc } = this.client
    this.doc = doc
    this.title = doc.getText('title')
    this.body = doc.getXmlFragment('body')
    this.undoing = new Y.UndoManager(this.body, { trackedOrigins: new Set([this]), captureTimeout: 0 })
    this.undo = null
    doc.on('update', (update, origin, _, transaction) => {
      if (!transaction.local) return
      this.log.push(this.effects)
      this.effects = []
    })
  }

  change (what, origin = null) { this.doc.transact(what, origin) }
  added (word, at) { where.set(word, at); deleted.delete(word + '@' + at); this.effects.push([word, true, at]) }
  gone (word, at) { deleted.add(word + '@' + at); this.effects.push([word, false, at]) }
  word () { return `{${this.n}.${this.count++}}` }
  owns (node) { return place(node).startsWith(this.n + '.') }
  own () { return this.body.toArray().filter(node => isElement(node) && this.owns(node)) }

  make (name, around = null) {
    const node = new Y.XmlElement(name)
    const made = `${this.n}.${this.count++}`
    node.setAttribute('made', made)
    node.setAttribute('id', 'b' + made)
    if (around !== null) within.set(made, around)
    return [node, made]
  }

  holder () { // somewhere words can be
    let node = this.body.length ? this.body.get(below(this.body.length)) : null
    while (node && !holdsWords(node)) node = isElement(node) && node.length ? node.get(below(node.length)) : null
    return node
  }

  text (node) { return some(node.toArray().filter(child => child instanceof Y.XmlText)) ?? null }

  edge (text, at) { // in the midst of a character only where that is asked for
    return given.halves ? at : whole(text, at)
  }

  boundary (text) { // not in the midst of a word
    let at = below(text.length + 1)
    if (at === 0) return at
    const open = text.lastIndexOf('{', at - 1)
    const close = text.indexOf('}', open)
    if (open >= 0 && close >= at) at = close + 1
    return this.edge(text, at)
  }

  // Each of these is at least one change, or none where there is nothing to do it to.

  async block () {
    this.change(() => {
      const [node, made] = this.make(some(['paragraph', 'paragraph', 'heading', 'action', 'blockquote', 'bulletList']))
      this.body.insert(below(this.body.length + 1), [node])
      let [inner, at] = [node, made]
      while (!holdsWords(inner)) {
        const [child, place] = this.make(inner.nodeName === 'bulletList' ? 'listItem' : 'paragraph', at)
        inner.insert(0, [child])
        ;[inner, at] = [child, place]
      }
      const text = new Y.XmlText()
      const word = this.word()
      text.insert(0, word)
      this.added(word, at)
      inner.insert(0, [text])
      if (random() < 0.5) this.citeIn(inner)
    })
  }

  citeIn (node) {
    const cite = new Y.XmlElement('citation')
    const id = `cit_${this.n}.${this.count++}`
    cite.setAttribute('cite', id)
    node.insert(below(node.length + 1), [cite])
    this.added(id, place(node))
    if (random() < 0.5) node.insert(node.length, [new Y.XmlText()])
  }

  async type () { // a run of words, one change each
    const node = this.holder()
    const text = node && this.text(node)
    if (!text) return
    let at = this.boundary(textOf(text))
    const keys = 1 + below(6)
    const may = keys === 1 && random() < 0.5
    if (may) this.undoing.clear()
    for (let key = 0; key < keys; key++) {
      const word = this.word()
      const written = word + (random() < 0.2 ? '😀' : '')
      this.added(word, place(node))
      this.change(() => text.insert(at, written), may ? this : null)
      at += written.length
      if (may) this.undo = () => this.gone(word, place(node))
    }
  }

  async erase () { // a word of one's own
    const node = this.holder()
    const text = node && this.text(node)
    if (!text) return
    const now = textOf(text)
    const mine = [...now.matchAll(WORD)].filter(([word]) => word.startsWith(`{${this.n}.`))
    if (!mine.length) return
    const { 0: word, index } = some(mine)
    const may = this.owns(node) && random() < 0.5
    if (may) this.undoing.clear()
    this.gone(word, place(node))
    this.change(() => text.delete(index, word.length), may ? this : null)
    if (may) this.undo = () => this.added(word, place(node))
  }

  async mark () {
    const node = this.holder()
    const text = node && this.text(node)
    if (!text?.length) return
    const now = textOf(text)
    // Never by halves: there Yjs alone falls apart (test_halves.py).
    const at = whole(now, below(now.length))
    const end = whole(now, at + 1 + below(now.length - at))
    if (end <= now.length) this.change(() => text.format(at, end - at, { [some(MARKS)]: some([{}, {}, null]) }))
  }

  async remove () {
    const node = some(this.own())
    if (!node) return
    removed.add(place(node))
    this.change(() => this.body.delete(this.body.toArray().indexOf(node), 1))
  }

  copy (node, around) { // as a move makes it; the block keeps its id
    const [twin, made] = this.make(node.nodeName, around)
    twin.setAttribute('id', node.getAttribute('id'))
    return { twin, made, children: node.toArray() }
  }

  fill (twin, made, children) {
    for (const child of children) {
      if (child instanceof Y.XmlText) {
        const text = new Y.XmlText()
        twin.insert(twin.length, [text])
        text.applyDelta(child.toDelta())
        for (const [word] of textOf(child).matchAll(WORD)) where.set(word, made)
      } else if (child.nodeName === 'citation') {
        const cite = new Y.XmlElement('citation')
        cite.setAttribute('cite', child.getAttribute('cite'))
        twin.insert(twin.length, [cite])
        where.set(child.getAttribute('cite'), made)
      } else {
        const inner = this.copy(child, made)
        twin.insert(twin.length, [inner.twin])
        this.fill(inner.twin, inner.made, inner.children)
      }
    }
  }

  async move () {
    const node = some(this.own())
    if (!node) return
    removed.add(place(node))
    this.change(() => {
      const { twin, made, children } = this.copy(node, null)
      this.body.insert(below(this.body.length + 1), [twin])
      this.fill(twin, made, children)
      this.body.delete(this.body.toArray().indexOf(node), 1)
    })
  }

  async split () { // in its last text: what others type into a text that went would go with it
    const node = some(this.own().filter(holdsWords))
    const text = node?.toArray().findLast(child => child instanceof Y.XmlText)
    if (!text) return
    const now = textOf(text)
    const at = whole(now, this.boundary(now)) // what is copied cannot begin with half a character
    this.change(() => {
      const [twin, made] = this.make(node.nodeName)
      const children = node.toArray()
      const from = children.indexOf(text)
      this.body.insert(this.body.toArray().indexOf(node) + 1, [twin])
      const tail = new Y.XmlText()
      twin.insert(0, [tail])
      let passed = 0
      for (const piece of text.toDelta()) {
        const rest = piece.insert.slice(Math.max(0, at - passed))
        passed += piece.insert.length
        if (rest) tail.insert(tail.length, rest, piece.attributes ?? {})
      }
      for (const [word] of now.slice(at).matchAll(WORD)) where.set(word, made)
      this.fill(twin, made, children.slice(from + 1))
      if (at < text.length) text.delete(at, text.length - at)
      if (from + 1 < node.length) node.delete(from + 1, node.length - from - 1)
    })
  }

  async cite () {
    const node = this.holder()
    if (node) this.change(() => this.citeIn(node))
  }

  async citeAway () { // out of one's own block: away, or into another
    const node = some(this.own().filter(node => holdsWords(node) && cites(node).length))
    if (!node) return
    const cite = some(cites(node))
    const id = cite.getAttribute('cite')
    const to = random() < 0.6 ? this.holder() : null
    if (to === null) this.gone(id, place(node))
    this.change(() => {
      if (to !== null) {
        const twin = new Y.XmlElement('citation')
        twin.setAttribute('cite', id)
        to.insert(below(to.length + 1), [twin])
        if (to !== node) deleted.add(id + '@' + place(node))
        where.set(id, place(to))
        deleted.delete(id + '@' + place(to))
      }
      node.delete(node.toArray().indexOf(cite), 1)
    })
  }

  async name () { // the title is noise: it has only to be the same for all
    const { title } = this
    if (title.length > 200 || (title.length > 4 && random() < 0.4)) {
      const now = title.toString()
      const at = this.edge(now, below(title.length - 3))
      const end = this.edge(now, at + 1 + below(3))
      this.change(() => title.delete(at, Math.min(end, title.length) - at))
    } else {
      const at = this.edge(title.toString(), below(title.length + 1))
      this.change(() => title.insert(at, some(['a', 'ü', '😀', '😀😀'])))
    }
  }

  async edit () {
    if (this.undo) {
      const { undo } = this
      this.undo = null
      if (random() < 0.7) {
        undo()
        this.undoing.undo()
        this.effects = []
        return
      }
    }
    let dice = random()
    for (const [chance, what] of CHANCES) if ((dice -= chance) < 0) return this[what]()
  }
}

const CHANCES = [
  [0.13, 'block'], [0.30, 'type'], [0.12, 'erase'], [0.06, 'mark'], [0.06, 'remove'],
  [0.05, 'move'], [0.05, 'split'], [0.05, 'cite'], [0.06, 'citeAway'], [0.12, 'name']
]

const writers = []
const join = async (kind, open, url) => {
  for (let n = 0; n < (given[kind] ?? 0); n++) {
    writers.push(new Writer(writers.length + 1, kind, await open(url, given.brief)))
  }
}
await join('plain', plain, given.wild)
await join('hocuspocus', hocuspocus, given.wild)
await join('session', session, given.line)
while (!writers.every(writer => writer.client.connected())) await pause(5)
say({ ready: true })

const made = () => writers.reduce((sum, writer) => sum + writer.log.length, 0)
let done = 0
async function write () { // a twentieth
  const end = ++done * given.edits / 20
  while (made() < end) {
    const writer = some(writers)
    await writer.edit()
    const dice = random()
    if (dice < 0.004) writer.client.leave(below(300))
    else if (dice < 0.006 && given.reloads && writer.client.reload) {
      await writer.client.reload()
      writer.settleIn()
    }
    if (random() < 0.25) await pause(below(8))
  }
  say({ done })
}

const fresh = updates => {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, Buffer.from(update, 'hex'))
  return doc
}
const differs = others => { // null where all are the same, or in what they differ
  const docs = [...writers.map(writer => writer.doc), ...others.map(fresh)]
  for (const [n, doc] of docs.entries()) {
    const { pendingStructs, pendingDs } = doc.store
    if (pendingStructs || pendingDs) {
      const lacks = [...pendingStructs?.missing ?? []].map(([client, clock]) =>
        `${client}:${clock}, where all have ${docs.map(one => Y.getState(one.store, client))}`)
      return `document ${n} waits for what has not come: ${pendingStructs ? lacks : 'what was deleted'}`
    }
    if (!Y.equalSnapshots(Y.snapshot(doc), Y.snapshot(docs[0]))) return `document ${n} is not as the first`
    for (const name of ['title', 'body']) {
      const [a, b] = [docs[0], doc].map(one => (name === 'title' ? one.getText(name) : one.getXmlFragment(name)).toString())
      if (a !== b) {
        const at = [...a].findIndex((character, n) => character !== [...b][n])
        const near = [a, b].map(one => JSON.stringify([...one].slice(at - 40, at + 40).join('')))
        return `document ${n}'s ${name} reads, at ${at}, ${near[1]} for ${near[0]}`
      }
    }
  }
  return null
}
const saved = () => writers.flatMap(writer => {
  const upTo = writer.client.saved(writer.log.length)
  const last = new Map() // word → [the change that put or took it last, which, where]
  writer.log.forEach((effects, at) => effects.forEach(([word, there, place]) => last.set(word, [at, there, place])))
  return [...last].filter(([, [at]]) => at < upTo).map(([word, [at, there, place]]) => [word, there, place, at])
})
const model = () => ({
  where: Object.fromEntries(where), deleted: [...deleted], removed: [...removed], within: Object.fromEntries(within)
})

const held = () => { // what the first client has, by how often
  const counts = {}
  const count = word => { counts[word] = (counts[word] ?? 0) + 1 }
  const look = node => {
    if (node instanceof Y.XmlText) for (const [word] of textOf(node).matchAll(WORD)) count(word)
    else if (node.nodeName === 'citation') count(node.getAttribute('cite'))
    else node.toArray().forEach(look)
  }
  look(writers[0].body)
  return counts
}

const answers = {
  held,
  saved,
  same: ([others]) => differs(others),
  settled () {
    const away = writers.filter(writer => !writer.client.connected()).map(writer => `${writer.kind} ${writer.n}`)
    const unsaved = writers.filter(writer => writer.kind === 'session' && writer.client.status().unsynced > 0)
    return away.length
      ? `not connected: ${away}`
      : unsaved.length ? `${unsaved.length} sessions have unsaved changes` : differs([])
  },
  model
}
createInterface({ input: process.stdin }).on('line', line => {
  const [what, ...rest] = JSON.parse(line)
  if (what === 'write') return write()
  say({ answer: answers[what](rest) ?? null })
}).on('close', () => process.exit(0))
