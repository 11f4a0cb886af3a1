// Clients of one room, all in this process and on its clock. Reads one line of JSON, the order,
// from its arguments; prints one line of JSON, what came of it, in milliseconds and bytes.
//   node clients.mjs '{"do": "echo", "url": …, "document": …, "framing": "plain", …}'
import { setTimeout as pause } from 'node:timers/promises'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { Frames } from './frames.mjs'

const order = JSON.parse(process.argv[2])
const frames = new Frames(order.framing, order.document)
const say = what => process.stdout.write(JSON.stringify(what) + '\n')

/** A connection that has the document; `onFrame` hears what comes after. */
async function enter (onFrame = () => {}) {
  const socket = new WebSocket(order.url, { perMessageDeflate: false })
  socket.binaryType = 'nodebuffer'
  let entered
  const here = new Promise((resolve, reject) => {
    entered = resolve
    socket.on('error', reject)
    socket.on('close', code => reject(new Error(`closed with ${code}`)))
  })
  let bytes = 0
  socket.on('message', frame => {
    const kind = frames.kind(frame)
    if (kind === 'asked') socket.send(frames.nothing())
    else if (kind === 'document' && bytes === 0) entered(bytes = frame.length)
    else onFrame(kind, frame)
  })
  socket.on('open', () => frames.opening().forEach(frame => socket.send(frame)))
  await here
  return { socket, bytes }
}

const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
const round = ms => Math.round(ms * 100) / 100

/** One types, the others listen; with presence, every one of them moves its cursor each second. */
async function echo ({ clients, edits, rate, presence }) {
  const sent = []
  const heard = []
  let wanted = (clients - 1) * edits
  let all
  const done = new Promise(resolve => { all = resolve })
  const listen = (kind, frame) => {
    if (kind !== 'update') return
    const now = performance.now()
    // A server may gather edits into one frame: each is known by its number in the text.
    for (let at = frame.indexOf('#'); at >= 0; at = frame.indexOf('#', at + 1)) {
      const number = Number(frame.latin1Slice(at + 1, at + 7))
      if (sent[number] === undefined) continue
      heard.push(now - sent[number])
      if (--wanted === 0) all()
    }
  }
  const author = (await enter()).socket
  const others = []
  while (others.length < clients - 1) {
    const some = Math.min(25, clients - 1 - others.length)
    others.push(...await Promise.all(Array.from({ length: some }, () => enter(listen))))
  }
  const sockets = [author, ...others.map(({ socket }) => socket)]
  const moving = []
  if (presence) {
    sockets.forEach((socket, n) => {
      let clock = 1
      const move = () => socket.send(frames.awareness(1000 + n, clock++, {
        user: { name: `Person ${n}`, color: '#2a9d8f' },
        cursor: { anchor: { client: 1, clock: n + clock }, head: { client: 1, clock: n + clock } }
      }))
      moving.push(setTimeout(() => {
        move()
        moving.push(setInterval(move, 1000))
      }, Math.random() * 1000))
    })
    await pause(2500)
  }
  const doc = new Y.Doc()
  const text = doc.getText('bench')
  doc.on('update', update => author.send(frames.update(update)))
  for (let number = 0; number < edits; number++) {
    sent[number] = performance.now()
    text.insert(text.length, `#${String(number).padStart(6, '0')}`)
    await pause(1000 / rate)
  }
  await Promise.race([done, pause(15_000)])
  moving.forEach(timer => clearInterval(timer))
  heard.sort((a, b) => a - b)
  say({
    p50: round(percentile(heard, 0.5)),
    p95: round(percentile(heard, 0.95)),
    p99: round(percentile(heard, 0.99)),
    max: round(heard.at(-1) ?? NaN),
    undelivered: wanted
  })
}

/** Writes a document of about this many bytes, a sentence at a time at random places, and stays. */
async function fill ({ bytes }) {
  const { socket } = await enter()
  const doc = new Y.Doc()
  const text = doc.getText('bench')
  let state = 1
  const below = n => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) % n
  while (text.length < bytes) text.insert(below(text.length + 1), 'a sentence of about one hundred characters, as they are written by people who have much to say. ')
  socket.send(frames.update(Y.encodeStateAsUpdate(doc)))
  await pause(3000)
  say({ bytes: Y.encodeStateAsUpdate(doc).length })
  await leave()
}

/** All at once ask for the document. */
async function join ({ clients }) {
  const begun = performance.now()
  const times = []
  const entered = await Promise.all(Array.from({ length: clients }, async () => {
    const { bytes } = await enter()
    times.push(performance.now() - begun)
    return bytes
  }))
  times.sort((a, b) => a - b)
  say({ all: round(times.at(-1)), p50: round(percentile(times, 0.5)), smallest: Math.min(...entered) })
}

/** Sits there, until told on stdin to leave. */
async function idle ({ clients }) {
  for (let n = 0; n < clients; n += 25) await Promise.all(Array.from({ length: Math.min(25, clients - n) }, () => enter()))
  say({ here: clients })
  await leave()
}

const leave = () => new Promise(resolve => process.stdin.once('data', resolve))

/** Plays a trace of edits ({txns: [{patches: [[position, deleted, inserted]]}]}), so many to a frame. */
async function play ({ trace, each }) {
  const { readFileSync } = await import('node:fs')
  const { gunzipSync } = await import('node:zlib')
  const read = readFileSync(trace)
  const { startContent, txns } = JSON.parse(trace.endsWith('.gz') ? gunzipSync(read) : read)
  const { socket } = await enter()
  const doc = new Y.Doc()
  const text = doc.getText('bench')
  let pending = []
  let frameCount = 0
  let bytes = 0
  const flush = () => {
    if (pending.length === 0) return
    const update = pending.length === 1 ? pending[0] : Y.mergeUpdates(pending)
    socket.send(frames.update(update))
    bytes += update.length
    frameCount++
    pending = []
  }
  doc.on('update', update => { if (pending.push(update) >= each) flush() })
  if (startContent) text.insert(0, startContent)
  let edits = 0
  for (const { patches } of txns) {
    for (const [position, deleted, inserted] of patches) {
      doc.transact(() => {
        if (deleted) text.delete(position, deleted)
        if (inserted) text.insert(position, inserted)
      })
      if (++edits % 2000 === 0) {
        while (socket.bufferedAmount > 1 << 20) await pause(5)
        await pause(0)
      }
    }
  }
  flush()
  await pause(5000)
  socket.close()
  say({ edits, frames: frameCount, sent: bytes, characters: text.length, snapshot: Y.encodeStateAsUpdate(doc).length })
}

await { echo, fill, join, idle, play }[order.do](order)
process.exit(0)
