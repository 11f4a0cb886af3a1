// Yjs clients of three kinds, each with `doc`, `connected()` (has the server's document and a
// socket), `leave(ms)` (offline for a while) and `saved(n)`: how many of its first n changes it was
// told are durable. `plain` is an unmodified y-websocket, `hocuspocus` an unmodified
// @hocuspocus/provider, `session` the page's own session, with a copy in IndexedDB.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import * as Y from '../../frontend/node_modules/yjs/dist/yjs.mjs'
import { WebsocketProvider } from '../../frontend/node_modules/y-websocket/src/y-websocket.js'
import { HocuspocusProvider } from '../../frontend/node_modules/@hocuspocus/provider/dist/hocuspocus-provider.esm.js'

export { Y }
const frontend = fileURLToPath(new URL('../../frontend/', import.meta.url))
const require = createRequire(frontend + 'package.json')
// What a browser's socket does not do: throw where nobody listens to its errors.
class WebSocket extends require('ws') {
  constructor (...given) {
    super(...given)
    this.on('error', () => {})
  }
}
globalThis.WebSocket = WebSocket
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

export const plain = (url, brief, dice) => {
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(url + '/rooms', brief, doc, {
    WebSocketPolyfill: WebSocket, disableBc: true, maxBackoffTime: 200, resyncInterval: 500
  })
  return {
    doc,
    connected: () => provider.synced,
    leave (ms) { provider.disconnect(); setTimeout(() => provider.connect(), ms) },
    saved: () => 0
  }
}

export const hocuspocus = (url, brief) => {
  const doc = new Y.Doc()
  const provider = new HocuspocusProvider({
    url: `${url}/rooms/${brief}/hocuspocus`, name: brief, document: doc, token: 'any',
    WebSocketPolyfill: WebSocket, delay: 50, minDelay: 20, maxDelay: 200
  })
  const socket = provider.configuration.websocketProvider
  return {
    doc,
    connected: () => provider.synced && provider.isAuthenticated,
    leave (ms) {
      provider.disconnect()
      // It takes no notice of a wish to connect while its socket is closing.
      const back = () => socket.status === 'connected' ? setTimeout(back, 10) : provider.connect()
      setTimeout(back, ms)
    },
    saved: () => 0
  }
}

/* What of a page the session needs. Each session is on a device of its own: the one whose
   IndexedDB is there while it opens. */
let openSession, IDBFactory
async function page () {
  if (openSession) return
  await import(require.resolve('fake-indexeddb/auto'))
  IDBFactory = require('fake-indexeddb').IDBFactory
  const { createServer } = require('vite')
  const vite = await createServer({
    root: frontend, configFile: false, appType: 'custom', logLevel: 'error',
    server: { middlewareMode: true, ws: false, hmr: false, watch: null }, optimizeDeps: { noDiscovery: true }
  })
  ;({ openSession } = await vite.ssrLoadModule('/src/session/session.ts'))
  await vite.close()
  globalThis.window = new EventTarget()
  globalThis.document = new EventTarget()
  Object.defineProperty(globalThis, 'navigator', { value: { onLine: true }, configurable: true })
}

export const session = async (url, brief) => {
  await page()
  const device = new IDBFactory()
  const client = {
    async open () {
      globalThis.indexedDB = device
      const opened = openSession(brief, { name: 'Ada', color: '#336699' }, {
        url: `${url}/rooms/${brief}`, pause: 30, maxPause: 200, quiet: 2000
      })
      client.session = opened
      client.doc = opened.doc
      while (!opened.status().loaded) await pause(1)
    },
    connected: () => client.session.status().connection === 'live' && client.session.status().synced,
    status: () => client.session.status(),
    leave (ms) { // the device has no network: so do all sessions of this process
      navigator.onLine = false
      window.dispatchEvent(new Event('offline'))
      setTimeout(() => {
        navigator.onLine = true
        window.dispatchEvent(new Event('online'))
      }, ms)
    },
    saved: made => made - client.session.status().unsynced,
    async reload () { // the page is closed, and opened again from the copy on the device
      client.session.destroy()
      await pause(5)
      await client.open()
    }
  }
  await client.open()
  return client
}
