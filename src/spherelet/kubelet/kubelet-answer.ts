import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { nextTurn } from "../../base/clock.js";

const TEXT = "text/plain; charset=utf-8";

/** Sends a text as Go's http.Error does. */
export function sendText(response: ServerResponse, code: number, text: string, headers: Readonly<Record<string, string>> = {}): void {
  const body = Buffer.from(text);
  response.writeHead(code, { "content-type": TEXT, "x-content-type-options": "nosniff", "content-length": String(body.length), ...headers });
  response.end(body);
}

/**
 * Sends an answer part by part, each made when the reader has taken the former ones and everything else has had its turn: an answer about
 * a thousand pods holds nobody up. A reader who takes nothing loses the connection by the server's time-out.
 */
export async function sendParts(response: ServerResponse, contentType: string, parts: Iterable<string>): Promise<void> {
  response.writeHead(200, { "content-type": contentType });
  for (const part of parts) {
    if (response.destroyed) return;
    if (response.write(part)) await nextTurn();
    else if (!(await drained(response))) return;
  }
  response.end();
}

/** Whether there is room again; false when the connection is gone. */
async function drained(response: ServerResponse): Promise<boolean> {
  const over = new AbortController();
  try {
    await Promise.race([once(response, "drain", { signal: over.signal }), once(response, "close", { signal: over.signal })]);
    return !response.destroyed;
  } catch {
    return false;
  } finally {
    over.abort();
  }
}
