// The only file that talks to the server: state, acts and the live stream.

async function readJson(response) {
  try {
    return await response.json();
  } catch {
    return {};
  }
}

// How long an answer that should be there at once is waited for.
const PATIENCE_MS = 10_000;

async function get(path) {
  const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  const body = await readJson(response);
  if (!response.ok) throw new ApiError(response.status, body.error ?? response.statusText);
  return body;
}

/**
 * The server answered, but not with what was asked. A lost connection is a TypeError from fetch, an
 * answer that does not come a TimeoutError.
 */
export class ApiError extends Error {
  constructor(status, message) {
    super(typeof message === "string" ? message : JSON.stringify(message));
    this.status = status;
  }
}

export function fetchState(user) {
  return get(`/_sandbox/state?user=${encodeURIComponent(user)}`);
}

/** Names of the users in the server's order, the owner first. */
export async function fetchUserNames() {
  const addresses = await get("/_sandbox/addresses");
  return Object.keys(addresses.users ?? {});
}

/**
 * Acts as a person. Always resolves to an outcome: a refusal or a lost server becomes
 * `{ok: false, error}` because the caller shows both at the same place.
 */
export async function act(request) {
  try {
    const response = await fetch("/_sandbox/act", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(request),
    });
    const outcome = await readJson(response);
    if (response.ok) return outcome;
    return { ok: false, error: outcome.error ?? `the server answered ${response.status}` };
  } catch {
    return { ok: false, error: "the sandbox server cannot be reached" };
  }
}

const RETRY_MS = [500, 1000, 2000, 3000];

/**
 * Follows the server's changes over a WebSocket, with growing pauses after each failure. Not over
 * an answer that never ends: six of those, in other tabs or in pages kept for the Back button,
 * and the browser asks this server nothing more.
 */
export function follow({ onOpen, onChange, onLost }) {
  let attempt = 0;
  let socket = null;
  let retry = null;
  const connect = () => {
    const mine = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/_sandbox/live`);
    socket = mine;
    mine.addEventListener("open", () => {
      attempt = 0;
      onOpen();
    });
    mine.addEventListener("message", onChange);
    mine.addEventListener("close", () => {
      if (socket !== mine) return;
      onLost();
      retry = setTimeout(connect, RETRY_MS[Math.min(attempt++, RETRY_MS.length - 1)]);
    });
  };
  // A page that is put aside lets go, and follows again when the Back button brings it forth.
  addEventListener("pagehide", () => {
    clearTimeout(retry);
    const last = socket;
    socket = null;
    last.close();
  });
  addEventListener("pageshow", (event) => event.persisted && connect());
  connect();
}
