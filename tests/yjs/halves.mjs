// Edits that fall in the midst of characters. Reads { make: [seed, ...], visit: [seed, ...],
// read: [hex, ...], format: [[from, length], ...] }; answers { made: [{ updates: [hex, ...], title },
// ...], visited: the same, read: [title or null, ...], formatted: [[own title, other's], ...] }:
// three documents edited at random, whose updates reach each other late; the updates that a server
// hears of four that come and go, and edit before they have said what they did while away; what an
// update of a whole document says, null where Yjs cannot read it or waits for more; and "ab😀", of
// which the emoji is bold, after a part of it was made bold: for whoever did, and whoever heard it.
import { createRequire } from 'node:module'
const require = createRequire(new URL('../../frontend/package.json', import.meta.url))
const Y = require('yjs')

const dice = seed => { // mulberry32
  let state = seed >>> 0
  return n => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}
const answer = (docs, updates) => {
  const titles = new Set(docs.map(doc => doc.getText('title').toString()))
  if (titles.size !== 1) throw new Error('Yjs does not agree with itself')
  return { updates: updates.map(update => Buffer.from(update).toString('hex')), title: [...titles][0] }
}

const make = seed => {
  const below = dice(seed)
  const updates = []
  const peers = [1, 2, 3].map(client => {
    const doc = new Y.Doc()
    doc.clientID = seed * 10 + client
    const peer = { doc, title: doc.getText('title'), behind: 0 }
    doc.on('update', (update, origin) => { if (origin !== 'peer') updates.push(update) })
    return peer
  })
  const catchUp = (peer, to) => {
    while (peer.behind < to) Y.applyUpdate(peer.doc, updates[peer.behind++], 'peer')
  }
  peers[0].title.insert(0, 'a😀b😀😀c')
  for (let n = 0; n < 60; n++) {
    const peer = peers[below(3)]
    if (below(2)) catchUp(peer, peer.behind + below(updates.length - peer.behind + 1))
    const { title } = peer
    switch (below(4)) {
      case 0: title.insert(below(title.length + 1), 'ü😀'); break
      case 1: title.insert(below(title.length + 1), '😀😀'); break
      case 2: title.insert(below(title.length + 1), 'x'); break
      case 3: if (title.length > 4) title.delete(below(title.length - 3), 1 + below(3))
    }
  }
  for (const peer of peers) catchUp(peer, updates.length)
  return answer(peers.map(peer => peer.doc), updates)
}

const visit = seed => {
  const below = dice(seed * 7919)
  const server = new Y.Doc()
  const updates = []
  const peers = [1, 2, 3, 4].map(client => {
    const doc = new Y.Doc()
    doc.clientID = seed * 10 + client
    const peer = { doc, title: doc.getText('title'), is: 'away' }
    doc.on('update', (update, origin) => {
      if (origin !== 'server' && peer.is !== 'away') tell(peer, update)
    })
    return peer
  })
  const tell = (from, update) => {
    updates.push(update)
    Y.applyUpdate(server, update)
    for (const peer of peers) {
      if (peer !== from && peer.is === 'synced') Y.applyUpdate(peer.doc, update, 'server')
    }
  }
  const sync = peer => {
    Y.applyUpdate(peer.doc, Y.encodeStateAsUpdate(server, Y.encodeStateVector(peer.doc)), 'server')
    peer.is = 'synced'
    tell(peer, Y.encodeStateAsUpdate(peer.doc, Y.encodeStateVector(server)))
  }
  peers[0].is = 'connected'
  peers[0].title.insert(0, 'a😀b😀')
  for (let n = 0; n < 100; n++) {
    const peer = peers[below(4)]
    const { title } = peer
    const what = below(10)
    if (what === 0) peer.is = 'away'
    else if (what === 1 && peer.is === 'away') peer.is = 'connected'
    else if (what === 2 && peer.is === 'connected') sync(peer)
    else if (what < 8) title.insert(below(title.length + 1), below(2) ? 'x' : 'ü😀')
    else if (title.length > 4) title.delete(below(title.length - 3), 1 + below(3))
  }
  for (const peer of [...peers, ...peers]) sync(peer)
  return answer([server, ...peers.map(peer => peer.doc)], updates)
}

const read = hex => {
  console.error = () => {}
  try {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, Buffer.from(hex, 'hex'))
    return doc.store.pendingStructs || doc.store.pendingDs ? null : doc.getText('title').toString()
  } catch { return null }
}

const format = ([from, length]) => {
  const [own, other] = [new Y.Doc(), new Y.Doc()]
  own.on('update', update => Y.applyUpdate(other, update))
  const title = own.getText('title')
  title.insert(0, 'ab😀')
  title.format(2, 2, { bold: {} })
  title.format(from, length, { bold: {} })
  return [own, other].map(doc => doc.getText('title').toString())
}

let input = ''
process.stdin.on('data', piece => { input += piece }).on('end', () => {
  const given = JSON.parse(input)
  process.stdout.write(JSON.stringify({
    made: given.make.map(make), visited: given.visit.map(visit), read: given.read.map(read),
    formatted: (given.format).map(format)
  }))
})
