// The y-protocols' frames, plain or as Hocuspocus wraps them: each led by the document's name.
import * as encoding from 'lib0/encoding'

const SYNC = 0
const AWARENESS = 1
const AUTHENTICATION = 2
const SYNC_REPLY = 4
const NOTHING = new Uint8Array([0])
const EMPTY = new Uint8Array([0, 0])

export class Frames {
  constructor (framing, document) {
    this.wrapped = framing === 'hocuspocus'
    const encoder = encoding.createEncoder()
    if (this.wrapped) encoding.writeVarString(encoder, document)
    this.lead = encoding.toUint8Array(encoder)
  }

  /** What opens a connection. */
  opening () {
    const frames = [this.sync(0, NOTHING)]
    if (this.wrapped) {
      frames.unshift(this.#frame(encoder => {
        encoding.writeVarUint(encoder, AUTHENTICATION)
        encoding.writeVarUint(encoder, 0)
        encoding.writeVarString(encoder, 'token')
      }))
    }
    return frames
  }

  sync (step, payload) {
    return this.#frame(encoder => {
      encoding.writeVarUint(encoder, SYNC)
      encoding.writeVarUint(encoder, step)
      encoding.writeVarUint8Array(encoder, payload)
    })
  }

  update (update) { return this.sync(2, update) }

  nothing () { return this.sync(1, EMPTY) }

  awareness (client, clock, state) {
    const inner = encoding.createEncoder()
    encoding.writeVarUint(inner, 1)
    encoding.writeVarUint(inner, client)
    encoding.writeVarUint(inner, clock)
    encoding.writeVarString(inner, JSON.stringify(state))
    return this.#frame(encoder => {
      encoding.writeVarUint(encoder, AWARENESS)
      encoding.writeVarUint8Array(encoder, encoding.toUint8Array(inner))
    })
  }

  /** "asked" (step 1), "document" (step 2), "update", "awareness" or "other". */
  kind (frame) {
    const at = this.lead.length
    if (frame[at] === AWARENESS) return 'awareness'
    if (frame[at] !== SYNC && frame[at] !== SYNC_REPLY) return 'other'
    return ['asked', 'document', 'update'][frame[at + 1]] ?? 'other'
  }

  #frame (write) {
    const encoder = encoding.createEncoder()
    encoding.writeUint8Array(encoder, this.lead)
    write(encoder)
    return encoding.toUint8Array(encoder)
  }
}
