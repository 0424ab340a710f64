// A city's identity provider for the tests: whoever types a login is signed in as that subject.
// Usage: node provider.mjs PORT REDIRECT_URI SECRET
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [port, redirect, secret] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "maplebridge",
      client_secret: secret,
      redirect_uris: [redirect],
      response_types: ["code"],
      grant_types: ["authorization_code"],
    },
  ],
  acrValues: ["two-factors"],
  claims: { openid: ["sub", "acr"], profile: ["preferred_username", "name"] },
  conformIdTokenClaims: false,
  pkce: { required: () => true, methods: ["S256"] },
  features: { devInteractions: { enabled: false } },
  cookies: { keys: ["only for tests"] },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id.split(":")[1] ?? id, name: "made up" }),
  }),
});

// The page of the provider: one field, no password. `login` is SUBJECT:NAME or SUBJECT:NAME:two.
async function interaction(request, response) {
  const found = await provider.interactionDetails(request, response);
  if (request.method !== "POST") {
    response.setHeader("Content-Type", "text/html");
    response.end('<form method="post"><input name="login" aria-label="login"><button>Go</button></form>');
    return;
  }
  const body = [];
  for await (const part of request) body.push(part);
  const login = new URLSearchParams(Buffer.concat(body).toString()).get("login");
  if (login === "no") {
    await provider.interactionFinished(request, response, { error: "access_denied" });
    return;
  }
  const [subject, name, strong] = login.split(":");
  const accountId = `${subject}:${name}`;
  const grant = new provider.Grant({ accountId, clientId: found.params.client_id });
  grant.addOIDCScope(found.params.scope);
  const result = {
    login: { accountId, ...(strong ? { acr: "two-factors" } : {}) },
    consent: { grantId: await grant.save() },
  };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

const answer = provider.callback();
createServer((request, response) => {
  const work = request.url.startsWith("/interaction/")
    ? interaction(request, response)
    : answer(request, response);
  Promise.resolve(work).catch((failure) => {
    console.error(failure);
    response.statusCode = 500;
    response.end(String(failure));
  });
}).listen(Number(port), "127.0.0.1", () => console.log("ready"));
