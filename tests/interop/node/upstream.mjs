// A certified OpenID provider by others (npm oidc-provider) as the upstream of a deployment.
// Arguments: port, return address, return address after logout, address for logout notices, secret of the client.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const parts = createRequire(`${process.env.YINXIN_NODE_PARTS}/`);
const { default: Provider } = await import(pathToFileURL(parts.resolve("oidc-provider")));
const [port, callback, afterLogout, backchannel, secret] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "yinxin",
      client_secret: secret,
      redirect_uris: [callback],
      post_logout_redirect_uris: [afterLogout],
      backchannel_logout_uri: backchannel,
      backchannel_logout_session_required: true,
      response_types: ["code"],
      grant_types: ["authorization_code"],
    },
  ],
  claims: { openid: ["sub"], profile: ["name", "idtype", "idnum", "level"] },
  features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: true } },
  pkce: { required: () => true },
  // Its own fetch refuses loopback, where all of this test takes place
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, { ...options, signal: AbortSignal.timeout(5000) }),
  cookies: { keys: ["a key of a test"] },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: "测试甲", idtype: "1", idnum: "110101199003070011", level: "L2" }),
  }),
});
provider.on("server_error", (_context, error) => console.error(error));
provider.on("backchannel.error", (_context, error) => console.error(error));

createServer(provider.callback()).listen(Number(port), "127.0.0.1", () => console.log("listening"));
