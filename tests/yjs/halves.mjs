// Edits that fall in the midst of characters. Reads { make: [seed, ...], read: [hex, ...] };
// answers { made: [{ updates: [hex, ...], title }, ...], read: [title or null, ...] }: three
// documents edited at random, whose updates reach each other late, and what an update of a whole
// document says, null where Yjs cannot read it or waits for more.
import { createRequire } from 'node:module'
const require = createRequire(new URL('../../frontend/package.json', import.meta.url))
const Y = require('yjs')

const make = seed => {
  let state = seed >>> 0
  const below = n => { // mulberry32
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
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
  const titles = new Set(peers.map(peer => peer.title.toString()))
  if (titles.size !== 1) throw new Error('Yjs does not agree with itself')
  return { updates: updates.map(update => Buffer.from(update).toString('hex')), title: [...titles][0] }
}

const read = hex => {
  console.error = () => {}
  try {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, Buffer.from(hex, 'hex'))
    return doc.store.pendingStructs || doc.store.pendingDs ? null : doc.getText('title').toString()
  } catch { return null }
}

let input = ''
process.stdin.on('data', piece => { input += piece }).on('end', () => {
  const given = JSON.parse(input)
  process.stdout.write(JSON.stringify({ made: given.make.map(make), read: given.read.map(read) }))
})
