// A certified OpenID provider by others (npm oidc-provider) under the loads of our own. It keeps everything in its memory, nothing durable.
// Arguments: port, return address, secret of its clients.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const parts = createRequire(`${process.env.YINXIN_NODE_PARTS}/`);
const { default: Provider } = await import(pathToFileURL(parts.resolve("oidc-provider")));
const [port, callback, secret] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const machine = { client_secret: secret, redirect_uris: [], response_types: [], grant_types: ["client_credentials"], id_token_signed_response_alg: "ES256" };

const provider = new Provider(issuer, {
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "ES256" }] },
  clients: [
    { ...machine, client_id: "machine" },
    { ...machine, client_id: "looker" },
    {
      client_id: "party",
      client_secret: secret,
      redirect_uris: [callback],
      response_types: ["code"],
      grant_types: ["authorization_code", "refresh_token"],
      id_token_signed_response_alg: "ES256",
    },
  ],
  claims: { openid: ["sub"], profile: ["name", "updated_at"] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    // As ours: the machine's tokens are JWTs for a resource server, signed with ES256; a signed one it cannot look into, so the looker's are not
    resourceIndicators: {
      enabled: true,
      defaultResource: (_context, client) => (client.clientId === "machine" ? `${issuer}/api` : undefined),
      getResourceServerInfo: () => ({ scope: "", accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } }),
      useGrantedResource: () => true,
    },
  },
  issueRefreshToken: () => true,
  rotateRefreshToken: () => true,
  pkce: { required: () => true },
  cookies: { keys: ["a key of a benchmark"] },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, name: "虚构甲", updated_at: 1 }) }),
});
provider.on("server_error", (_context, error) => console.error(error));

createServer(provider.callback()).listen(Number(port), "127.0.0.1", () => console.log("listening"));
