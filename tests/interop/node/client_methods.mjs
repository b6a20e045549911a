// Every way in which a client proves itself and has its tokens signed and bound, by openid-client against a served deployment.
// One argument: a JSON text with the issuer, the clients and the folder of packages. It speaks lines of JSON: {"visit": address} asks the
// other side to go there as a person would and to answer with the address it is sent back to; {"step": name} says what has worked.
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const given = JSON.parse(process.argv[2])
const load = (path) => import(pathToFileURL(`${given.parts}/node_modules/${path}`).href)
const client = await load('openid-client/build/index.js')
const insecure = { execute: [client.allowInsecureRequests] } // the deployment listens on loopback without TLS
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

const say = (value) => process.stdout.write(JSON.stringify(value) + '\n')
const done = (step) => say({ step })
const must = (condition, what) => {
  if (!condition) throw new Error(what)
}
const visit = async (url) => {
  say({ visit: url.href ?? url })
  return new URL((await lines.next()).value)
}
const discover = (id, auth, metadata = {}) =>
  client.discovery(new URL(given.issuer), id, { client_id: id, ...metadata }, auth, insecure)

const signIn = async (config, { push = false, object, DPoP, scope = 'openid profile' } = {}) => {
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const parameters = {
    redirect_uri: given.redirect_uri,
    scope,
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  const url = object
    ? await client.buildAuthorizationUrlWithJAR(config, parameters, object)
    : push
    ? await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })
    : client.buildAuthorizationUrl(config, parameters)
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  return client.authorizationCodeGrant(config, await visit(url), checks, undefined, { DPoP })
}

// 1. Every way to prove oneself
const basic = await discover('basic', client.ClientSecretBasic(given.secrets.basic))
const subject = (await signIn(basic)).claims().sub
const keys = await crypto.subtle.importKey('jwk', given.key, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
const keyed = await discover('keyed', client.PrivateKeyJwt({ key: keys, kid: given.key.kid }))
const hmac = await discover('hmac', client.ClientSecretJwt(given.secrets.hmac))
const post = await discover('post', client.ClientSecretPost(given.secrets.post))
const open = await discover('open', client.None())
for (const config of [keyed, hmac, post, open]) must((await signIn(config)).claims().sub === subject, config.clientMetadata().client_id)
done('client authentication')
for (const [id, algorithm] of [['rsa', 'RS256'], ['edwards', 'EdDSA']]) {
  const config = await discover(id, client.ClientSecretBasic(given.secrets[id]), { id_token_signed_response_alg: algorithm })
  client.enableNonRepudiationChecks(config)
  must((await signIn(config)).claims().aud === id, algorithm)
}
done('id tokens of every algorithm')

const pss = await crypto.subtle.importKey('jwk', given.pss, { name: 'RSA-PSS', hash: 'SHA-256' }, false, ['sign'])
const padded = await discover('pss', client.PrivateKeyJwt({ key: pss, kid: given.pss.kid }), { id_token_signed_response_alg: 'PS256' })
client.enableNonRepudiationChecks(padded)
must((await signIn(padded, { object: { key: pss, kid: given.pss.kid } })).claims().sub === subject, 'PS256')
done('PS256 throughout')

// 2. Pushed requests and tokens bound to a key, under the FAPI 2.0 profile
const fapi = await discover('fapi', client.PrivateKeyJwt({ key: keys, kid: given.key.kid }), { use_mtls_endpoint_aliases: false })
const DPoP = client.getDPoPHandle(fapi, await client.randomDPoPKeyPair('ES256'))
const tokens = await signIn(fapi, { push: true, DPoP })
must(tokens.token_type === 'dpop', 'DPoP')
await client.fetchUserInfo(fapi, tokens.access_token, subject, { DPoP })
const other = client.getDPoPHandle(fapi, await client.randomDPoPKeyPair('ES256'))
let isRefused = false
await client.fetchUserInfo(fapi, tokens.access_token, subject, { DPoP: other }).catch(() => (isRefused = true))
must(isRefused, 'the token is good for the holder of its key alone')
must((await client.refreshTokenGrant(fapi, tokens.refresh_token, undefined, { DPoP })).token_type === 'dpop', 'DPoP refreshed')
done('PAR and DPoP')

// 3. A client that registers itself
const metadata = { redirect_uris: [given.redirect_uri], client_name: 'Registered itself', token_endpoint_auth_method: 'client_secret_post' }
const itself = await client.dynamicClientRegistration(new URL(given.issuer), metadata, undefined, { ...insecure, initialAccessToken: given.initial_token })
must((await signIn(itself)).claims().aud === itself.clientMetadata().client_id, 'registered')
done('registration')

process.exit(0)
