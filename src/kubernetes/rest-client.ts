import { constants, type OutgoingHttpHeaders } from "node:http2";
import { Backoff } from "../base/backoff.js";
import type { Clock } from "../base/clock.js";
import { monotonicClock } from "../base/clock.js";
import type { Dice } from "../base/seeded-random.js";
import type { ApiClient, CallOptions, DeleteOptions, ListOptions, Patch, PatchOptions, SelectOptions, WatchEvent, WatchOptions, WriteOptions } from "./api-client.js";
import type { Binding } from "./cluster-objects.js";
import type { Http2Answer, Http2Response, TlsMaterial } from "./http2-session.js";
import { brokeOff, Http2Session, MAX_ANSWER_BYTES, wasNeverSent } from "./http2-session.js";
import { parseJsonLines } from "./json-lines.js";
import type { Draft, KubernetesObject, ObjectList, ObjectName } from "./object-meta.js";
import { nameOf } from "./object-meta.js";
import { OngoingCall } from "./ongoing-call.js";
import { RequestGate } from "./request-gate.js";
import type { ResourceType } from "./resource-type.js";
import { apiVersionOf, pathOf, pods } from "./resource-type.js";
import type { Status } from "./status.js";
import { ApiError, isExpired, transportError } from "./status.js";

/** How a room reaches the API server. */
export interface RestClientOptions {
  /** `https://127.0.0.1:7437`. */
  readonly server: string;
  readonly tls?: TlsMaterial;
  /** Bearer token; sent over TLS alone. */
  readonly token?: string;
  /** The first word is also the default field manager. */
  readonly userAgent: string;
  /** Monotonic; for deadlines and retries. */
  readonly clock?: Clock;
  readonly dice?: Dice;
  /** Calls on the wire at once, watches apart; 64 when absent. */
  readonly maxConcurrentCalls?: number;
}

interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: URLSearchParams;
  readonly body?: unknown;
  readonly contentType?: string;
}

const CALL_TIMEOUT_MS = 30_000;
const DEFAULT_PAGE_SIZE = 500;
const MAX_WAITING_CALLS = 20_000;
const MAX_ATTEMPTS = 6;
/** How long a server may stretch a Retry-After that we still follow. */
const MAX_RETRY_AFTER_MS = 10_000;

const patchTypes: Readonly<Record<Patch["type"], string>> = {
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  json: "application/json-patch+json",
  apply: "application/apply-patch+yaml",
};

/**
 * A Kubernetes client over one HTTP/2 connection. A call that surely never reached the server is sent again, a read also
 * when the connection broke; a write whose fate is unknown fails with `isTransport` and is the caller's to judge.
 */
export class RestClient implements ApiClient {
  readonly #authority: string;
  readonly #session: Http2Session;
  readonly #clock: Clock;
  readonly #dice: Dice | undefined;
  readonly #gate: RequestGate;
  readonly #headers: Readonly<Record<string, string>>;
  /** Calls under way, between their attempts too: none outlives the client. */
  readonly #calls = new Set<OngoingCall>();
  #closed = false;

  constructor(options: RestClientOptions) {
    const url = new URL(options.server);
    if (options.token !== undefined && url.protocol !== "https:") throw new Error("a bearer token is sent over https alone");
    this.#authority = url.host;
    this.#clock = options.clock ?? monotonicClock();
    this.#dice = options.dice;
    this.#session = new Http2Session({ origin: url.origin, tls: options.tls ?? {}, clock: this.#clock });
    this.#gate = new RequestGate(options.maxConcurrentCalls ?? 64, MAX_WAITING_CALLS);
    this.#headers = {
      accept: "application/json",
      "user-agent": options.userAgent,
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    };
  }

  get<T extends KubernetesObject>(type: ResourceType<T>, name: ObjectName, options: CallOptions = {}): Promise<T> {
    return this.#call<T>({ method: "GET", path: pathOf(type, name) }, options);
  }

  async list<T extends KubernetesObject>(type: ResourceType<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    const items: T[] = [];
    let from: string | undefined;
    for (;;) {
      const query = selection(options);
      query.set("limit", String(options.pageSize ?? DEFAULT_PAGE_SIZE));
      if (from !== undefined) query.set("continue", from);
      else if (options.resourceVersion !== undefined) query.set("resourceVersion", options.resourceVersion);
      let page: ObjectList<T>;
      try {
        page = await this.#call<ObjectList<T>>({ method: "GET", path: pathOf(type, options), query }, options);
      } catch (error) {
        // The snapshot of the pages is gone: one whole list is always possible.
        if (from === undefined || !isExpired(error)) throw error;
        const whole = selection(options);
        return withTypes(type, await this.#call<ObjectList<T>>({ method: "GET", path: pathOf(type, options), query: whole }, options));
      }
      items.push(...page.items);
      from = page.metadata.continue;
      if (from === undefined || from === "") return withTypes(type, { ...page, metadata: { resourceVersion: page.metadata.resourceVersion }, items });
    }
  }

  async *watch<T extends KubernetesObject>(type: ResourceType<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>, void> {
    const query = selection(options);
    query.set("watch", "true");
    query.set("allowWatchBookmarks", "true");
    query.set("resourceVersion", options.resourceVersion);
    if (options.timeoutSeconds !== undefined) query.set("timeoutSeconds", String(options.timeoutSeconds));
    const response = await this.#session.open(this.#headersOf({ method: "GET", path: pathOf(type, options), query }, undefined), options.signal);
    if (response.statusCode !== 200) throw errorOf(await readWhole(response));
    const { stream } = response;
    const onAbort = (): void => stream.close(constants.NGHTTP2_CANCEL);
    options.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      for await (const lines of parseJsonLines(stream)) {
        for (const line of lines) {
          const event = line as { readonly type: string; readonly object: T & Status };
          if (event.type === "ERROR") throw new ApiError(event.object);
          if (event.type === "BOOKMARK") yield { type: "BOOKMARK", resourceVersion: event.object.metadata.resourceVersion };
          else yield { type: event.type as "ADDED" | "MODIFIED" | "DELETED", object: event.object };
        }
      }
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) throw new Error("the connection was closed");
    } catch (error) {
      if (options.signal?.aborted === true) return;
      throw error instanceof ApiError ? error : transportError(`watch of ${type.plural} broke: ${error instanceof Error ? error.message : String(error)}`, error);
    } finally {
      options.signal?.removeEventListener("abort", onAbort);
      if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  create<T extends KubernetesObject>(type: ResourceType<T>, draft: Draft<T>, options: WriteOptions = {}): Promise<T> {
    const { namespace } = draft.metadata;
    const body = { apiVersion: apiVersionOf(type), kind: type.kind, ...draft };
    return this.#call<T>({ method: "POST", path: pathOf(type, namespace === undefined ? {} : { namespace }), query: writing(options), body }, options);
  }

  update<T extends KubernetesObject>(type: ResourceType<T>, object: T, options: WriteOptions & { readonly subresource?: string } = {}): Promise<T> {
    const body = { apiVersion: apiVersionOf(type), kind: type.kind, ...object };
    return this.#call<T>({ method: "PUT", path: pathOf(type, nameOf(object), options.subresource), query: writing(options), body }, options);
  }

  patch<T extends KubernetesObject>(type: ResourceType<T>, name: ObjectName, patch: Patch, options: PatchOptions = {}): Promise<T> {
    const query = writing(options);
    if (options.force !== undefined) query.set("force", String(options.force));
    return this.#call<T>({ method: "PATCH", path: pathOf(type, name, options.subresource), query, body: patch.body, contentType: patchTypes[patch.type] }, options);
  }

  bind(binding: Binding, options: WriteOptions = {}): Promise<Status> {
    const { name, namespace } = binding.metadata;
    return this.#call<Status>({ method: "POST", path: pathOf(pods, { name, namespace }, "binding"), query: writing(options), body: binding }, options);
  }

  delete<T extends KubernetesObject>(type: ResourceType<T>, name: ObjectName, options: DeleteOptions = {}): Promise<T | Status> {
    const body = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }),
      ...(options.propagationPolicy === undefined ? {} : { propagationPolicy: options.propagationPolicy }),
      ...(options.preconditions === undefined ? {} : { preconditions: options.preconditions }),
    };
    return this.#call<T | Status>({ method: "DELETE", path: pathOf(type, name), body }, options);
  }

  /** Any path, for what has no verb above: `/version`, `/readyz`. The answer is parsed as JSON when it says it is. */
  raw(method: Call["method"], path: string, body?: unknown, options: CallOptions = {}): Promise<unknown> {
    return this.#call<unknown>({ method, path, body }, options);
  }

  /** Ends the connection; running calls and watches fail. */
  close(): Promise<void> {
    this.#closed = true;
    for (const call of this.#calls) call.end(closedError());
    return this.#session.close();
  }

  #call<R>(call: Call, options: CallOptions): Promise<R> {
    const run = (): Promise<R> => this.#run<R>(call, options);
    return options.ahead === true ? run() : this.#gate.run(run, options.signal);
  }

  async #run<R>(call: Call, options: CallOptions): Promise<R> {
    if (this.#closed) throw closedError();
    const timeoutMs = options.timeoutMs ?? CALL_TIMEOUT_MS;
    const late = (): Error => transportError(`no answer from ${this.#authority} within ${timeoutMs} ms`);
    const ongoing = new OngoingCall({ clock: this.#clock, timeoutMs, late, signal: options.signal });
    this.#calls.add(ongoing);
    try {
      return await this.#repeat<R>(call, options, ongoing);
    } finally {
      this.#calls.delete(ongoing);
      ongoing.finish();
    }
  }

  async #repeat<R>(call: Call, options: CallOptions, ongoing: OngoingCall): Promise<R> {
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const headers = this.#headersOf(call, body, options.headers);
    let backoff: Backoff | undefined;
    for (let attempt = 1; ; attempt += 1) {
      let waitMs: number;
      try {
        const answer = await this.#session.exchange(headers, body, ongoing);
        if (answer.statusCode >= 200 && answer.statusCode < 300) return bodyOf(answer) as R;
        throw errorOf(answer);
      } catch (error) {
        if (ongoing.ended || attempt >= MAX_ATTEMPTS) throw error;
        const retryAfterMs = error instanceof ApiError && error.code === 429 ? (error.status.details?.retryAfterSeconds ?? 0) * 1000 : 0;
        const broken = error instanceof ApiError && error.isTransport;
        if (!wasNeverSent(error) && !(broken && call.method === "GET") && retryAfterMs === 0) throw error;
        backoff ??= new Backoff({ initialMs: 20, maxMs: 1_000, ...(this.#dice === undefined ? {} : { jitter: 0.2, dice: this.#dice }) });
        waitMs = Math.min(MAX_RETRY_AFTER_MS, Math.max(retryAfterMs, backoff.nextMs()));
      }
      await ongoing.sleep(this.#clock, waitMs);
    }
  }

  #headersOf(call: Call, body: Buffer | undefined, extra?: Readonly<Record<string, string>>): OutgoingHttpHeaders {
    const query = call.query?.toString() ?? "";
    return {
      [constants.HTTP2_HEADER_METHOD]: call.method,
      [constants.HTTP2_HEADER_PATH]: query === "" ? call.path : `${call.path}?${query}`,
      ...this.#headers,
      ...extra,
      ...(body === undefined ? undefined : { "content-type": call.contentType ?? "application/json", "content-length": String(body.length) }),
    };
  }
}

function closedError(): ApiError {
  return transportError("the client is closed");
}

function selection(options: SelectOptions): URLSearchParams {
  const query = new URLSearchParams();
  if (options.labelSelector !== undefined && options.labelSelector !== "") query.set("labelSelector", options.labelSelector);
  if (options.fieldSelector !== undefined && options.fieldSelector !== "") query.set("fieldSelector", options.fieldSelector);
  return query;
}

function writing(options: WriteOptions): URLSearchParams {
  const query = new URLSearchParams();
  if (options.fieldManager !== undefined) query.set("fieldManager", options.fieldManager);
  return query;
}

/** Items of a list answer come without kind and apiVersion. */
function withTypes<T extends KubernetesObject>(type: ResourceType<T>, list: ObjectList<T>): ObjectList<T> {
  const apiVersion = apiVersionOf(type);
  return { ...list, items: list.items.map((item) => ({ ...item, apiVersion, kind: type.kind })) };
}

/** The rest of an answer of which only the head has been read. */
async function readWhole({ statusCode, headers, stream }: Http2Response): Promise<Http2Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw brokeOff(error);
  }
  if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) throw brokeOff();
  return { statusCode, headers, text: Buffer.concat(chunks).toString("utf8") };
}

function bodyOf({ headers, text }: Http2Answer): unknown {
  if (!(headers["content-type"] ?? "").includes("json")) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw transportError("the answer is no JSON", error);
  }
}

function errorOf({ statusCode, headers, text }: Http2Answer): ApiError {
  const retryAfter = Number(headers["retry-after"]);
  let status: Status | undefined;
  try {
    const body = JSON.parse(text) as Status;
    if (body.kind === "Status") status = body;
  } catch {
    // A proxy's or framework's own error page: told below as it came.
  }
  status ??= { apiVersion: "v1", kind: "Status", status: "Failure", message: text.trim().slice(0, 1024) || `the server answered ${statusCode}` };
  const details = Number.isFinite(retryAfter) && retryAfter > 0 ? { ...status.details, retryAfterSeconds: status.details?.retryAfterSeconds ?? retryAfter } : status.details;
  return new ApiError({ ...status, code: statusCode, ...(details === undefined ? {} : { details }) });
}
