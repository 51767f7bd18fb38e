// The npm package oidc-provider, as it comes ("openid"), or dressed up as Microsoft or Google.
// Arguments: the folder with node_modules, a file of options. Prints its port; ends when the standard input does.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [, , folder, file] = process.argv;
const options = JSON.parse(readFileSync(file, "utf8"));
const { default: Provider } = await import(
  pathToFileURL(createRequire(`${folder}/`).resolve("oidc-provider"))
);

const { paths } = options;
const SPELLED = {
  email: "https://www.googleapis.com/auth/userinfo.email",
  profile: "https://www.googleapis.com/auth/userinfo.profile",
};
const AADSTS = [
  // What the library says of the error, its code, what Microsoft says.
  [/already consumed/, "invalid_grant", "AADSTS54005: OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token."],
  [/refresh token/, "invalid_grant", "AADSTS700082: The refresh token has expired due to inactivity. The token was issued on 2026-05-01T08:00:00.0000000Z and was inactive for 90.00:00:00."],
  [/redirect_uri/, "invalid_grant", "AADSTS500112: The reply address does not match the reply address provided when requesting Authorization code."],
  [/PKCE/, "invalid_grant", "AADSTS501481: The Code_Verifier does not match the code_challenge supplied in the authorization request."],
  [/.*/, "invalid_grant", "AADSTS9002313: Invalid request. Request is malformed or invalid."],
  [/.*/, "invalid_client", "AADSTS7000215: Invalid client secret provided."],
  [/.*/, "invalid_redirect_uri", "AADSTS50011: The redirect URI specified in the request does not match the redirect URIs configured for the application."],
  [/.*/, "access_denied", "AADSTS65004: User declined to consent to access the app."],
];

const words = (text) => (text ?? "").split(" ").filter(Boolean);

/** What makes one provider another, beside its paths: what it changes of a request to authorize, and of answers. */
const kinds = {
  openid: {
    issuer: (url) => url,
    authMethod: "client_secret_basic",
    claims: () => ({}),
    authorize: () => {},
    scope: (scope) => scope,
    token: () => {},
    error: () => {},
  },
  microsoft: {
    issuer: (url) => `${url}/${options.tenant_id}/v2.0`,
    authMethod: "client_secret_post",
    claims: (login) => ({ tid: options.tenant_id, oid: `oid of ${login}`, preferred_username: login }),
    authorize(params) {
      // Microsoft asks whoever it has not asked; the library gives no refresh token without "consent".
      if (words(params.get("scope")).includes("offline_access")) params.set("prompt", "login consent");
      else params.delete("prompt");
    },
    scope: (scope) => words(scope).filter((word) => word.startsWith("https:")).join(" "),
    token: () => {},
    error(body, detail) {
      const found = AADSTS.find(([pattern, error]) => error === body.error && pattern.test(detail ?? ""));
      if (!found) return;
      const traces = `Trace ID: ${randomUUID()} Correlation ID: ${randomUUID()}`;
      body.error_description = `${found[2]} ${traces} Timestamp: ${new Date().toISOString()}`;
      body.error_codes = [Number(found[2].match(/\d+/)[0])];
    },
  },
  google: {
    issuer: (url) => url,
    authMethod: "client_secret_post",
    claims: () => ({ email_verified: true }),
    authorize(params) {
      const asked = params.get("access_type") === "offline" && words(params.get("prompt")).includes("consent");
      const scopes = words(params.get("scope")).filter((word) => word !== "offline_access");
      params.set("scope", [...scopes, ...(asked ? ["offline_access"] : [])].join(" "));
    },
    scope: (scope) =>
      words(scope).filter((word) => word !== "offline_access").map((word) => SPELLED[word] ?? word).sort().join(" "),
    token(body, params) {
      if (params.grant_type === "refresh_token") delete body.refresh_token;
    },
    error(body, detail) {
      if (body.error === "invalid_grant" && /refresh token/.test(detail)) {
        body.error_description = "Token has been expired or revoked.";
      }
    },
  },
};
const kind = kinds[options.kind];
const forApplication = options.kind === "microsoft";

function configuration() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const client = (id, secret, method) => ({
    client_id: id,
    client_secret: secret,
    token_endpoint_auth_method: method,
    grant_types: ["authorization_code", "refresh_token", ...(forApplication ? ["client_credentials"] : [])],
    redirect_uris: ["https://site.example.com/oauth/callback/"],
  });
  return {
    clients: [
      client(options.client_id, options.client_secret, kind.authMethod),
      client("introspection", "introspection-secret", "client_secret_basic"),
    ],
    findAccount: (_ctx, login) => ({
      accountId: login,
      claims: () => ({ sub: login, email: login, ...kind.claims(login) }),
    }),
    claims: { openid: ["sub", "tid", "oid", "preferred_username"], email: ["email", "email_verified"] },
    conformIdTokenClaims: options.kind === "openid",
    scopes: ["openid", "email", "profile", "offline_access", ...options.scopes],
    routes: {
      authorization: paths.authorize,
      token: paths.token,
      jwks: paths.jwks,
      userinfo: paths.userinfo,
      introspection: paths.introspect,
      ...(paths.revoke && { revocation: paths.revoke }),
    },
    features: {
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: options.kind !== "microsoft", allowedPolicy: () => true },
      clientCredentials: { enabled: forApplication },
      devInteractions: { enabled: true },
    },
    pkce: { required: () => true },
    rotateRefreshToken: options.rotate,
    ttl: {
      AccessToken: options.lifetime,
      ClientCredentials: options.lifetime,
      Grant: 86400,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: 86400,
      Session: 3600,
    },
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "RS256", use: "sig", kid: "key" }] },
    cookies: { keys: ["tests only"] },
    renderError(ctx, out, error) {
      kind.error(out, error.error_detail ?? error.error_description);
      ctx.type = "text";
      ctx.body = `${out.error}: ${out.error_description}`;
    },
  };
}

/** Which client may come back where: to the callback at this machine, whatever the port, and at the example. */
function redirectUriAllowed(uri) {
  return /^(http:\/\/(localhost|127\.0\.0\.1)(:\d+)?|https:\/\/site\.example\.com)\/oauth\/callback\/$/.test(uri);
}

/** What the kind changes of a request, before the library sees it. */
function dressRequest(request) {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname === paths.discovery) request.url = "/.well-known/openid-configuration";
  if (url.pathname === paths.authorize) {
    kind.authorize(url.searchParams);
    request.url = `${url.pathname}${url.search}`;
  }
  if (options.kind === "google" && url.pathname === paths.revoke) {
    // Google wants no client for that.
    request.headers.authorization = `Basic ${Buffer.from("introspection:introspection-secret").toString("base64")}`;
  }
}

/** What the kind changes of an answer. */
async function dressAnswer(ctx, next) {
  await next();
  const route = ctx.oidc?.route;
  if (typeof ctx.body === "string") ctx.body = ctx.body.replace(/@import [^;]*;/, ""); // a font of the Internet
  if (ctx.body?.error) kind.error(ctx.body, ctx.state.detail);
  else if (route === "token") {
    ctx.body.scope = kind.scope(ctx.body.scope);
    kind.token(ctx.body, ctx.oidc.params);
  } else if (route === "introspection" && ctx.body.active) ctx.body.username = ctx.body.sub;
  else if (route === "discovery" && options.kind !== "openid") {
    delete ctx.body.authorization_response_iss_parameter_supported;
    if (options.kind === "microsoft") delete ctx.body.introspection_endpoint;
  }
  if (options.kind !== "openid" && ctx.response.get("location")) dressRedirect(ctx);
}

function dressRedirect(ctx) {
  const location = new URL(ctx.response.get("location"), ctx.href);
  if (!location.searchParams.has("state") || !location.searchParams.has("iss")) return;
  location.searchParams.delete("iss");
  const body = { error: location.searchParams.get("error") };
  kind.error(body);
  if (body.error_description) location.searchParams.set("error_description", body.error_description);
  ctx.set("location", location.href);
}

const tls = options.certificate ? { key: readFileSync(options.certificate), cert: readFileSync(options.certificate) } : null;
const server = tls ? https.createServer(tls) : http.createServer();
server.listen(0, "127.0.0.1", () => {
  const url = `${tls ? "https" : "http"}://localhost:${server.address().port}`;
  const provider = new Provider(kind.issuer(url), configuration());
  provider.Client.prototype.redirectUriAllowed = redirectUriAllowed;
  provider.on("grant.error", (ctx, error) => {
    ctx.state.detail = error.error_detail;
  });
  provider.use(dressAnswer);
  const handle = provider.callback();
  server.on("request", (request, response) => {
    dressRequest(request);
    handle(request, response);
  });
  console.log(server.address().port);
});
process.stdin.on("end", () => process.exit()).resume();
