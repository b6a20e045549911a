// An ID token by way of the browser, by openid-client against a served deployment, for a client that registers itself.
// Arguments: issuer, folder of packages, initial token, redirect address. It prints the address to go to, reads from standard input the one it
// comes back to, and prints what the library made of it as one JSON object.
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const [issuer, parts, initialAccessToken, redirect_uri] = process.argv.slice(2)
const client = await import(pathToFileURL(`${parts}/node_modules/openid-client/build/index.js`).href)
const insecure = { execute: [client.allowInsecureRequests] } // the deployment listens on loopback without TLS
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

const metadata = { redirect_uris: [redirect_uri], client_name: 'Front', grant_types: ['implicit'], response_types: ['id_token'] }
const config = await client.dynamicClientRegistration(new URL(issuer), metadata, undefined, { ...insecure, initialAccessToken })
client.useIdTokenResponseType(config)
const [nonce, state] = [client.randomNonce(), client.randomState()]
const url = client.buildAuthorizationUrl(config, { redirect_uri, scope: 'openid profile', nonce, state })
process.stdout.write(JSON.stringify({ visit: url.href }) + '\n')
const back = new URL((await lines.next()).value)

const claims = await client.implicitAuthentication(config, back, nonce, { expectedState: state })
const refused = async (...given) => client.implicitAuthentication(config, ...given).then(() => false, () => true)
const others = new URL(back)
others.hash = others.hash.replace(/(id_token=[^.]+\.[^.]+\.)[^&]+/, '$1AAAA')
process.stdout.write(
  JSON.stringify({
    type: url.searchParams.get('response_type'),
    query: back.search,
    name: claims.name,
    isForUs: claims.aud === config.clientMetadata().client_id,
    refused: [
      await refused(back, 'another nonce', { expectedState: state }),
      await refused(back, nonce, { expectedState: 'another' }),
      await refused(others, nonce, { expectedState: state }),
    ],
  }) + '\n',
)
process.exit(0)
