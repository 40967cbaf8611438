// A certified OpenID provider on a port: node openid_provider.mjs PORT REDIRECT_URI
// PKCE is required. POST /rotate replaces its keys, as a provider does without telling anybody.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import http from "node:http";
import { Provider } from "oidc-provider";

const [port, redirectUri] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;

function makeProvider() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" };
  return new Provider(issuer, {
    clients: [{ client_id: "service", client_secret: "s+cret/of the: service", redirect_uris: [redirectUri] }],
    jwks: { keys: [key] },
    pkce: { required: () => true },
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    cookies: { keys: ["only a test"] },
    // Whoever logs in is who they say; "doubtful" has an address that nobody verified.
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, email: `${sub}@example.com`, email_verified: sub !== "doubtful" }),
    }),
  });
}

let provider = makeProvider();
http
  .createServer((request, response) => {
    if (request.method === "POST" && request.url === "/rotate") {
      provider = makeProvider();
      response.writeHead(204).end();
    } else {
      provider.callback()(request, response);
    }
  })
  .listen(Number(port), "localhost", () => console.log("ready"));
