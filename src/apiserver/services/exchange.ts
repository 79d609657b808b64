import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import { stringify } from "yaml";
import type { Clock } from "../../base/clock.js";
import { requestTooLarge, type Status, type StatusError } from "../errors.js";
import type { Caller } from "../kinds/kind.js";
import type { RawBody } from "../rest/body.js";
import type { Representation } from "./negotiation.js";
import { BODY_LIMIT_BYTES, linger, readBody, type Request } from "./request-body.js";

/** Node's compatibility layer gives HTTP/2 answers the same methods. */
export type Response = ServerResponse | Http2ServerResponse;

/** What comes before the path where a client of HTTP/1.1 names the server, too, as to a proxy. */
const ORIGIN = /^https?:\/\/[^/?]*/i;

/** Splits a request's target. A path is taken as it came: nothing in it names a server, and dots are no steps. */
function targetOf(target: string): Pick<Exchange, "path" | "query"> {
  const local = target.startsWith("/") ? target : target.replace(ORIGIN, "");
  const mark = local.indexOf("?");
  const path = mark < 0 ? local : local.slice(0, mark);
  return { path: path === "" ? "/" : path, query: new URLSearchParams(mark < 0 ? "" : local.slice(mark + 1)) };
}

/** One request and its answer, over HTTP/1.1 or HTTP/2. */
export class Exchange {
  readonly request: Request;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly caller: Caller;
  readonly #monotonic: Clock;
  readonly #warnings: string[] = [];
  /** The connection ends with the answer, but not before the client could read it. */
  #lingers = false;

  constructor(request: Request, response: Response, caller: Caller, monotonic: Clock) {
    this.#monotonic = monotonic;
    this.request = request;
    this.response = response as ServerResponse;
    this.method = request.method ?? "GET";
    const { path, query } = targetOf(request.url ?? "/");
    this.path = path;
    this.query = query;
    this.caller = caller;
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  /** A query parameter, "" when absent. */
  parameter(name: string): string {
    return this.query.get(name) ?? "";
  }

  /** Adds a sentence that kubectl prints as `Warning: ...`. */
  warn(text: string): void {
    if (!this.#warnings.includes(text)) this.#warnings.push(text);
  }

  /** Reads the body; 413 as soon as it is larger than the limit. */
  async body(): Promise<RawBody> {
    const contentType = (this.header("content-type") ?? "").split(";", 1)[0]!.trim().toLowerCase();
    if (Number(this.header("content-length") ?? 0) > BODY_LIMIT_BYTES) throw requestTooLarge(BODY_LIMIT_BYTES);
    return { bytes: await readBody(this.request), contentType };
  }

  /** Headers that every answer has. */
  headers(contentType: string): Record<string, string | string[]> {
    const headers: Record<string, string | string[]> = { "content-type": contentType, "cache-control": "no-cache, private" };
    if (this.#warnings.length > 0) headers["warning"] = this.#warnings.map((text) => `299 - "${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll(/[\r\n]+/g, " ")}"`);
    return headers;
  }

  /** Sends an answer that is bytes already. */
  bytes(status: number, contentType: string, bytes: Buffer): void {
    const headers = this.headers(contentType);
    headers["content-length"] = String(bytes.length);
    this.response.writeHead(status, headers as Record<string, string>);
    const body = this.method === "HEAD" ? undefined : bytes;
    if (!this.#lingers) {
      this.response.end(body);
      return;
    }
    if (body === undefined) this.response.flushHeaders();
    // Whole already as its length says, and small: nothing waits for the end of the answer but the connection.
    else this.response.write(body);
    void linger(this.request as IncomingMessage, this.#monotonic).then(() => this.response.end());
  }

  /** Sends an answer that is text already. */
  text(status: number, contentType: string, text: string): void {
    this.bytes(status, contentType, Buffer.from(text));
  }

  /** Sends JSON text in the representation the client chose. */
  json(status: number, text: string, representation: Representation = { format: "json" }): void {
    if (representation.format === "yaml") this.text(status, "application/yaml", stringify(JSON.parse(text)));
    else this.text(status, "application/json", `${text}\n`);
  }

  status(status: Status): void {
    this.json(status.code ?? 200, JSON.stringify(status));
  }

  /** Sends a refusal; an answer that has begun can only be cut. */
  refuse(error: StatusError): void {
    if (this.response.headersSent) {
      this.response.destroy();
      return;
    }
    const retry = error.details?.retryAfterSeconds;
    if (retry !== undefined) this.response.setHeader("retry-after", String(retry));
    if (error.code === 401) this.response.setHeader("www-authenticate", 'Basic realm="kubernetes-master"');
    if (error.code === 413 && this.request.httpVersionMajor === 1) {
      this.response.setHeader("connection", "close");
      this.#lingers = true;
    }
    this.status(error.toStatus());
  }
}
