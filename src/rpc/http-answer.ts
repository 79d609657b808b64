import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";

/** An answer in plain text, as Go's http.Error gives it. */
export const PLAIN_TEXT = { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" } as const;

/** Answers with a whole body, whose length is told. */
export function answer(response: ServerResponse | Http2ServerResponse, status: number, headers: Readonly<Record<string, string>>, body: string | Buffer): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader("Content-Length", Buffer.byteLength(body));
  response.end(body);
}
