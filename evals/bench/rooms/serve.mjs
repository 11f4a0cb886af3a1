// One of the peers on a free port of loopback; prints the port. Both keep documents in memory.
//   node serve.mjs hocuspocus | y-websocket
import http from 'node:http'

const [, , kind] = process.argv

if (kind === 'hocuspocus') {
  const { Server } = await import('@hocuspocus/server')
  const server = new Server({ port: 0, address: '127.0.0.1', quiet: true, stopOnSignals: true })
  await server.listen()
  process.stdout.write(`${server.address.port}\n`)
} else if (kind === 'y-websocket') {
  const { WebSocketServer } = await import('ws')
  const { setupWSConnection } = await import('@y/websocket-server/utils')
  const server = http.createServer()
  new WebSocketServer({ server }).on('connection', setupWSConnection)
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
} else {
  throw new Error(`there is no peer ${kind}: hocuspocus, y-websocket`)
}
