// Carries the outbox's requests to the server, and says plainly what came back.
//
// The token against forged requests cannot be read from a cookie nor from a page that a phone kept:
// it is asked of `standing/`, which answers to this site's own scripts only, and sent as a header.

const PATIENCE_MS = 60e3;

// base: the address of the worker's door, "/worker/". Returns send({method, path, json, bytes}) →
// {status, body, wait}; it throws when nothing came back. status 401: to sign in. wait: seconds.
export function overHttp(base, fetched = (...asked) => fetch(...asked)) {
  let token = null;

  async function ask(method, path, options = {}) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
    try {
      const answer = await fetched(base + path, {
        method,
        credentials: "same-origin",
        redirect: "manual",
        cache: "no-store",
        signal: stop.signal,
        ...options,
      });
      const isOurs = (answer.headers.get("Content-Type") ?? "").includes("json");
      const body = isOurs ? await answer.json() : null;
      // A redirection leads to signing in, or to the second factor.
      const status = answer.type === "opaqueredirect" ? 401 : answer.status;
      return { status, body: body ?? {}, isOurs, wait: Number(answer.headers.get("Retry-After")) || 0 };
    } finally {
      clearTimeout(timer);
    }
  }

  async function freshToken() {
    const standing = await ask("GET", "standing/");
    if (standing.status !== 200 || !standing.body.token) return standing;
    token = standing.body.token;
    return null;
  }

  return async function send({ method, path, json, bytes }) {
    if (method === "GET") return ask(method, path);
    for (let again = false; ; again = true) {
      if (!token) {
        const stopped = await freshToken();
        if (stopped) return stopped.status === 200 ? { ...stopped, status: 502 } : stopped;
      }
      const type = json === undefined ? "application/octet-stream" : "application/json";
      const answer = await ask(method, path, {
        headers: { "X-CSRFToken": token, "Content-Type": type },
        body: json === undefined ? bytes : JSON.stringify(json),
      });
      // Signed in anew since the token was drawn: it is asked for once more.
      if (answer.status !== 403 || answer.isOurs || again) return answer;
      token = null;
    }
  };
}
