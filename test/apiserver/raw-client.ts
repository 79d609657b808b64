import { once } from "node:events";
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import type { TlsMaterial } from "../../src/rpc/tls.js";

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  /** The body as JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
}

/** Speaks HTTP/2 with nothing in between, so that a test sees what is on the wire. */
export class RawClient {
  readonly #session: ClientHttp2Session;

  constructor(address: string, tls: Partial<TlsMaterial> & { readonly caPem: string }) {
    this.#session = connect(`https://${address}`, { ca: tls.caPem, ...(tls.certPem ? { cert: tls.certPem } : {}), ...(tls.keyPem ? { key: tls.keyPem } : {}) });
    this.#session.on("error", () => undefined);
  }

  open(method: string, path: string, headers: Readonly<Record<string, string>> = {}): ClientHttp2Stream {
    return this.#session.request({ ":method": method, ":path": path, ...headers }, { endStream: !("content-type" in headers) });
  }

  async send(method: string, path: string, options: { readonly body?: string | Buffer | object; readonly type?: string; readonly headers?: Readonly<Record<string, string>> } = {}): Promise<Answer> {
    const { body } = options;
    const bytes = body === undefined ? undefined : typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const stream = this.open(method, path, { ...(bytes === undefined ? {} : { "content-type": options.type ?? "application/json" }), ...options.headers });
    if (bytes !== undefined) stream.end(bytes);
    const [headers] = (await once(stream, "response")) as [Record<string, string | undefined> & { ":status": number }];
    stream.setEncoding("utf8");
    let text = "";
    for await (const chunk of stream) text += chunk as string;
    return {
      status: headers[":status"],
      headers,
      text,
      get json() {
        return JSON.parse(text) as never;
      },
    };
  }

  close(): void {
    this.#session.destroy();
  }
}

/** The lines of a stream of JSON, one at a time. */
export async function* jsonLines(stream: ClientHttp2Stream): AsyncGenerator<Record<string, never>> {
  stream.setEncoding("utf8");
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + (chunk as string)).split("\n");
    rest = parts.pop()!;
    for (const line of parts) yield JSON.parse(line) as Record<string, never>;
  }
}
