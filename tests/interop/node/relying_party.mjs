// A department system built on openid-client, with the browser of a person who signs in. Prints one JSON object: what each flow gave.
// Arguments: issuer, client id, client secret, redirect address, address after signing out, port for back-channel logout, login, password.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const parts = process.env.YINXIN_NODE_PARTS
const require = createRequire(`${parts}/`)
const oidc = await import(pathToFileURL(require.resolve('openid-client')))
const jose = await import(pathToFileURL(require.resolve('jose')))

const [issuer, clientId, clientSecret, redirectUri, afterLogout, port, login, password] = process.argv.slice(2)
const scope = 'openid profile phone offline_access'
const found = {}

class Browser {
  cookies = new Map()

  async open(url, init = {}) {
    for (let hops = 0; hops < 20; hops += 1) {
      if (String(url).startsWith(redirectUri) || (afterLogout && String(url).startsWith(afterLogout))) return { url: new URL(url), text: '' }
      const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const answer = await fetch(url, { redirect: 'manual', ...init, headers: { cookie, 'accept-language': 'en', ...init.headers } })
      for (const line of answer.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
        if (value) this.cookies.set(name, value)
        else this.cookies.delete(name)
      }
      const location = answer.headers.get('location')
      if (!location) return { url: new URL(url), status: answer.status, text: await answer.text() }
      url = new URL(location, url)
      init = {}
    }
    throw new Error('too many redirects')
  }

  submit(page, ending, fields = {}) {
    const forms = [...page.text.matchAll(/<form method="post" action="([^"]*)">(.*?)<\/form>/gs)]
    const form = forms.find(([, action]) => action.endsWith(ending))
    if (!form) throw new Error(`no form ${ending} in ${page.text}`)
    const inputs = [...form[2].matchAll(/<input[^>]*>/g)].map(([text]) => [/name="([^"]*)"/.exec(text)?.[1], /value="([^"]*)"/.exec(text)?.[1] ?? ''])
    const body = new URLSearchParams({ ...Object.fromEntries(inputs), ...fields })
    return this.open(new URL(form[1].replaceAll('&amp;', '&'), page.url), { method: 'POST', body })
  }

  // Through the pages, whatever they ask, until the address of the relying party
  async signIn(url) {
    let page = await this.open(url)
    for (let pages = 0; page.text && pages < 6; pages += 1) {
      if (page.text.includes('/password"')) page = await this.submit(page, '/password', { login, password })
      else if (page.text.includes('/consent"')) page = await this.submit(page, '/consent')
      else throw new Error(page.text)
    }
    return page.url
  }
}

async function authorize(config, browser, { pushed = false, dpop, ...parameters } = {}) {
  const verifier = oidc.randomPKCECodeVerifier()
  const asked = {
    redirect_uri: redirectUri,
    scope,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: oidc.randomState(),
    nonce: oidc.randomNonce(),
    ...parameters,
  }
  const url = pushed ? await oidc.buildAuthorizationUrlWithPAR(config, asked, { DPoP: dpop }) : oidc.buildAuthorizationUrl(config, asked)
  const back = await browser.signIn(url)
  const checks = { pkceCodeVerifier: verifier, expectedState: asked.state, expectedNonce: asked.nonce, idTokenExpected: true }
  return oidc.authorizationCodeGrant(config, back, checks, undefined, { DPoP: dpop })
}

const config = await oidc.discovery(new URL(issuer), clientId, clientSecret, oidc.ClientSecretBasic(clientSecret), { execute: [oidc.allowInsecureRequests] })
oidc.enableNonRepudiationChecks(config) // the ID token's signature is checked, too
const browser = new Browser()

// 1. Code with PKCE, who it is, fresh tokens, a second use of the old one
const tokens = await authorize(config, browser)
const subject = tokens.claims().sub
found.userinfo = await oidc.fetchUserInfo(config, tokens.access_token, subject)
const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token)
found.refreshed = fresh.refresh_token !== tokens.refresh_token && fresh.claims().sub === subject

// 2. What a token is, and that it is nothing any more once it was revoked
found.introspected = (await oidc.tokenIntrospection(config, fresh.access_token)).active
await oidc.tokenRevocation(config, fresh.refresh_token)
found.revoked = !(await oidc.tokenIntrospection(config, fresh.refresh_token)).active

// 3. Signed in already: the same again, without a page; and pushed ahead, bound to a key
const again = await authorize(config, browser, { prompt: 'none', pushed: true, scope: 'openid profile' }) // ends with the session
found.pushed = again.claims().sub === subject
const dpop = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
const bound = await authorize(config, browser, { prompt: 'none', pushed: true, dpop })
found.bound = bound.token_type === 'dpop' && (await oidc.fetchUserInfo(config, bound.access_token, subject, { DPoP: dpop })).sub === subject
found.boundAlone = await oidc.fetchUserInfo(config, bound.access_token, subject).then(() => 'accepted', () => 'refused')

// 4. A device without a browser of its own
const device = await oidc.initiateDeviceAuthorization(config, { scope: 'openid profile' })
let page = await browser.open(device.verification_uri_complete)
if (page.text.includes('action="/device"')) page = await browser.submit(page, '/device', { user_code: device.user_code })
page = await browser.submit(page, '/device/confirm')
for (let pages = 0; pages < 4 && /\/(consent|acting|account)"/.test(page.text); pages += 1) page = await browser.submit(page, /\/(consent|acting|account)"/.exec(page.text)[0].slice(0, -1))
const onDevice = await oidc.pollDeviceAuthorizationGrant(config, { ...device, interval: 1 })
found.device = onDevice.claims().sub === subject

// 5. Out: the address agreed on, and a notice to the back channel that others can verify
const notice = new Promise((resolve, reject) => {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      response.writeHead(200, { 'cache-control': 'no-store' }).end()
      server.close()
      resolve(new URLSearchParams(body).get('logout_token'))
    })
  }).listen(Number(port), '127.0.0.1')
  setTimeout(() => reject(new Error('no notice of the sign-out')), 20_000).unref()
})
const out = oidc.buildEndSessionUrl(config, { id_token_hint: again.id_token, post_logout_redirect_uri: afterLogout, state: 'bye' })
found.loggedOut = String((await browser.open(out)).url)
const keys = jose.createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
const { payload } = await jose.jwtVerify(await notice, keys, { issuer, audience: clientId, typ: 'logout+jwt' })
found.notice = 'http://schemas.openid.net/event/backchannel-logout' in payload.events && !('nonce' in payload) && payload.sid === again.claims().sid
found.ended = await oidc.fetchUserInfo(config, again.access_token, subject).then(() => 'accepted', () => 'refused')

console.log(JSON.stringify(found))
process.exit(0)
