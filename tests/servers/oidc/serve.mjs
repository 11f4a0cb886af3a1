// An authorization server in which Ada is signed in and says yes to everything, or is asked.
//
//   node serve.mjs FOLDER PORT CONFIG
//
// FOLDER has oidc-provider in its node_modules. CONFIG is JSON: the clients, the scopes, the routes
// by oidc-provider's names, `seconds` that an access token lasts, and `asks`: whether a page comes
// first that says what is asked for. Refresh tokens are used once; one that comes again takes
// everything with it that was ever given for that yes.
import http from 'node:http'
import { pathToFileURL } from 'node:url'

const [folder, port, said] = process.argv.slice(2)
const config = JSON.parse(said)
const { default: Provider } = await import(
  pathToFileURL(`${folder}/node_modules/oidc-provider/lib/index.js`)
)

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: config.clients,
  scopes: config.scopes,
  routes: config.routes,
  ttl: { AccessToken: config.seconds ?? 3600, Grant: 86400, RefreshToken: 86400, Session: 86400 },
  cookies: { keys: ['only for tests'] },
  pkce: { required: (_, client) => !client.clientId.startsWith('plain') },
  rotateRefreshToken: true,
  issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
})

async function interact(request, response) {
  const { params, prompt } = await provider.interactionDetails(request, response)
  if (prompt.name === 'login') {
    await provider.interactionFinished(request, response, { login: { accountId: 'ada' } })
    return
  }
  if (config.asks && request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end(consent(params))
    return
  }
  if ((await text(request)) === 'say=no') {
    const refused = { error: 'access_denied', error_description: 'The person said no.' }
    await provider.interactionFinished(request, response, refused)
    return
  }
  const grant = new provider.Grant({ accountId: 'ada', clientId: params.client_id })
  grant.addOIDCScope(params.scope ?? '')
  const grantId = await grant.save()
  await provider.interactionFinished(
    request,
    response,
    { consent: { grantId } },
    { mergeWithLastSubmission: true },
  )
}

const consent = ({ client_id: id, scope }) => `<!doctype html><html lang="en">
<title>Access</title><h1>${id} asks for access</h1><p>${scope}</p><form method="post">
<button name="say" value="yes">Allow</button> <button name="say" value="no">Deny</button></form>`

async function text(request) {
  let body = ''
  for await (const chunk of request) body += chunk
  return body
}

// What it hands tokens to speaks JSON with it; RFC 6749 has forms.
async function read(request) {
  request.body = JSON.parse(await text(request))
  request.headers['content-type'] = 'application/x-www-form-urlencoded'
}

const answer = provider.callback()
http
  .createServer(async (request, response) => {
    try {
      if (request.url.startsWith('/interaction/')) {
        await interact(request, response)
        return
      }
      if (request.headers['content-type']?.startsWith('application/json')) await read(request)
      answer(request, response)
    } catch (error) {
      console.error(error)
      response.writeHead(500).end()
    }
  })
  .listen(Number(port), '127.0.0.1', () => console.log('ready'))
