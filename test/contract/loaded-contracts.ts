import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ChannelCredentials, Client, Metadata, type ServiceError } from "@grpc/grpc-js";
import { loadSync, type MessageTypeDefinition, type MethodDefinition, type ServiceDefinition } from "@grpc/proto-loader";
import { protoPath as healthProto } from "grpc-health-check";
import { wallClock } from "../../src/base/clock.js";
import { projectDirectory } from "../../src/base/project-files.js";

// A message known at run time alone, as a stranger without generated code has it: fields in snake_case, enums by name, int64 as text.
// oxlint-disable-next-line no-explicit-any
export type Message = any;

/** How one call differs from the plainest. */
export interface How {
  /** `:authority` of this call. */
  readonly authority?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A call that failed, with its google.rpc details read. */
export interface Refusal {
  /** The number of the gRPC status. */
  readonly code: number;
  readonly text: string;
  /** google.rpc.ErrorInfo.reason. */
  readonly reason: string | undefined;
  /** Paths of google.rpc.BadRequest. */
  readonly fields: readonly string[];
  /** spheresim.vim.v1.MethodFault. */
  readonly methodFault: Message;
}

const contracts = join(projectDirectory, "proto");
const reflectionProto = join(dirname(createRequire(import.meta.url).resolve("@grpc/reflection/package.json")), "build", "proto", "grpc", "reflection", "v1", "reflection.proto");

const loaded = loadSync([...protoFiles(contracts), healthProto, reflectionProto], { includeDirs: [contracts], keepCase: true, longs: String, enums: String, defaults: true, oneofs: true });

function protoFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? protoFiles(path) : path.endsWith(".proto") ? [path] : [];
  });
}

/** Full names of all services of `proto/` whose name begins so. */
export function servicesUnder(prefix: string): string[] {
  return Object.entries(loaded).flatMap(([name, definition]) => (name.startsWith(prefix) && typeof definition.format !== "string" ? [name] : [])).sort();
}

/** A client that knows no generated code: it loads `proto/` as it stands and calls methods by their full names. */
export class LoadedClient {
  readonly #client: Client;

  constructor(address: string) {
    this.#client = new Client(address, ChannelCredentials.createInsecure());
  }

  close(): void {
    this.#client.close();
  }

  /** Calls `spheresim.vcenter.v1.PlacementService/PlaceVm`; rejects with grpc-js's error. */
  call(method: string, request: Message = {}, how: How = {}): Promise<Message> {
    const { path, requestSerialize, responseDeserialize } = methodOf(method);
    return new Promise((resolve, reject) => {
      const answer = (error: ServiceError | null, response?: Message): void => (error === null ? resolve(response) : reject(error));
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadataOf(how), optionsOf(how), answer);
    });
  }

  /** A call that must fail. */
  async refusal(method: string, request: Message = {}, how: How = {}): Promise<Refusal> {
    const error = await this.call(method, request, how).then(
      (response: Message) => {
        throw new Error(`${method} answered ${JSON.stringify(response)}`);
      },
      (failure: unknown) => failure,
    );
    return readRefusal(error as ServiceError);
  }

  /** The answers of a server stream until one satisfies `isLast`. */
  async until(method: string, request: Message, isLast: (response: Message) => boolean): Promise<Message[]> {
    const { path, requestSerialize, responseDeserialize } = methodOf(method);
    const stream = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, new Metadata(), optionsOf({}));
    const seen: Message[] = [];
    for await (const response of stream) {
      seen.push(response);
      if (isLast(response)) return seen; // leaving the loop ends the call
    }
    throw new Error(`${method} ended after ${JSON.stringify(seen)}`);
  }

  /** One request and one answer of a stream in both directions. */
  exchange(method: string, request: Message): Promise<Message> {
    const { path, requestSerialize, responseDeserialize } = methodOf(method);
    return new Promise((resolve, reject) => {
      const stream = this.#client.makeBidiStreamRequest<Message, Message>(path, requestSerialize, responseDeserialize, new Metadata(), optionsOf({}));
      stream.once("data", resolve).once("error", reject);
      stream.write(request);
      stream.end();
    });
  }
}

/** No call of a test is meant to take long; one that hangs must say so. */
const DEADLINE_MS = 60_000;

function optionsOf(how: How): { deadline: number; host?: string } {
  return { deadline: wallClock().nowMs() + DEADLINE_MS, ...(how.authority === undefined ? {} : { host: how.authority }) };
}

function metadataOf(how: How): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(how.metadata ?? {})) metadata.set(key, value);
  return metadata;
}

function methodOf(method: string): MethodDefinition<object, object> {
  const [service = "", name = ""] = method.split("/");
  const found = (loaded[service] as ServiceDefinition | undefined)?.[name];
  if (found === undefined) throw new Error(`proto/ has no method ${method}`);
  return found;
}

function decode(fullName: string, bytes: Buffer): Message {
  return (loaded[fullName] as MessageTypeDefinition<object, object>).deserialize(bytes);
}

function readRefusal(error: ServiceError): Refusal {
  const trailer = error.metadata.get("grpc-status-details-bin")[0];
  const { details } = trailer instanceof Buffer ? decode("google.rpc.Status", trailer) : { details: [] };
  const found = new Map<string, Message>(details.map((each: Message) => {
    const type = each.type_url.replace("type.googleapis.com/", "");
    return [type, decode(type, each.value)];
  }));
  return {
    code: error.code,
    text: error.details,
    reason: found.get("google.rpc.ErrorInfo")?.reason,
    fields: (found.get("google.rpc.BadRequest")?.field_violations ?? []).map((each: Message) => each.field),
    methodFault: found.get("spheresim.vim.v1.MethodFault"),
  };
}
