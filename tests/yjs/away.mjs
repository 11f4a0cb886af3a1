// One page's session, told on stdin what to do, a line of JSON each: ["type", text], ["leave", ms],
// ["reload"], ["state"]. Answers each with how it stands.
//   node away.mjs ws://host:port BRIEF
import { createInterface } from 'node:readline'
import { session } from './clients.mjs'

const [, , url, brief] = process.argv
const client = await session(url, brief)
const title = () => client.doc.getText('title')
const does = {
  type: text => title().insert(title().length, text),
  leave: ms => client.leave(ms),
  reload: () => client.reload(),
  state: () => {}
}
for await (const line of createInterface({ input: process.stdin })) {
  const [what, ...rest] = JSON.parse(line)
  await does[what](...rest)
  const { connection, unsynced, reason } = client.status()
  process.stdout.write(JSON.stringify({
    connection, unsynced, reason, title: title().toString(), copy: client.session.localCopy()
  }) + '\n')
}
process.exit(0)
