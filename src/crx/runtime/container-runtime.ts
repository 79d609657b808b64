import type { ContainerSpec } from "../../gen/spheresim/crx/v1/agent.js";

/** Signals the agent sends, by their Linux numbers. */
export const SIGTERM = 15;
export const SIGKILL = 9;

/** How a container ended. */
export interface ContainerExit {
  readonly exitCode: number;
  /** Signal that ended it; 0 for none. */
  readonly signal: number;
  readonly oomKilled: boolean;
}

/** Why the agent asks a container something. A runtime with real programs has no use for it. */
export type Asker = "startup" | "liveness" | "readiness" | "hook";

/** A command to run beside the container's first process. */
export interface ExecRequest {
  readonly command: readonly string[];
  readonly asker: Asker;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** How a command ended. */
export interface ExecResult {
  readonly exitCode: number;
  /** What it wrote, standard output and error together. */
  readonly output: string;
}

/** A client of the container on the pod's network. */
export interface NetworkRequest {
  readonly protocol: "http" | "https" | "tcp" | "grpc";
  readonly port: number;
  /** Path of an HTTP request, service of a gRPC health check. */
  readonly path: string;
  readonly asker: Asker;
  readonly signal: AbortSignal;
}

/** What a client on the network meets. `closed`: a connection that ended without a word of that protocol; `plain`: HTTP where TLS was spoken. */
export type NetworkAnswer =
  | { readonly kind: "refused" | "connected" | "closed" | "plain" }
  | { readonly kind: "http"; readonly status: number }
  | { readonly kind: "grpc"; readonly status: "SERVING" | "NOT_SERVING" | "UNIMPLEMENTED" };

/** What a container uses, as control groups tell it. */
export interface ContainerUse {
  /** CPU time used since its start, nanoseconds of one core; never falls. */
  readonly cpuNanos: bigint;
  /** Memory in use, also what could be reclaimed, such as cached files. */
  readonly memoryUsageBytes: bigint;
  /** Memory in use without inactive cached files. */
  readonly memoryWorkingSetBytes: bigint;
  /** Anonymous memory. */
  readonly memoryRssBytes: bigint;
}

/** One container of a runtime, from creation to its end; started again means created again. */
export interface RuntimeContainer {
  /** Name of the image profile it runs by; empty for a runtime that has none. */
  readonly profile: string;
  /** Runs it; resolves when its process runs. Rejects with RuntimeError when it cannot. */
  start(): Promise<void>;
  /** Sends a signal to its first process; harmless when it has ended. */
  signal(signal: number): void;
  /** Resolves when it has ended. */
  readonly ended: Promise<ContainerExit>;
  /** Runs a command in it to its end. */
  exec(request: ExecRequest): Promise<ExecResult>;
  /** Asks it over the network, of which a runtime without programs has none to connect to. */
  connect(request: NetworkRequest): Promise<NetworkAnswer>;
  /** Standard streams of its first process. Throws NotProvided where there are none. */
  attach(): AsyncIterable<Uint8Array>;
  /** What it wrote since its start. Throws NotProvided where nothing is kept. */
  logs(): AsyncIterable<Uint8Array>;
  /** What it uses now; once it has ended, what it used last. Rejects with NotProvided where nothing is measured. */
  stats(): Promise<ContainerUse>;
}

/** What probes and hooks ask of a container. */
export type AskedContainer = Pick<RuntimeContainer, "exec" | "connect">;

/**
 * What the Spherelet agent runs containers with (libcontainer on a real CRX): small, so that other runtimes can stand beside the
 * one that goes by image profiles.
 */
export interface ContainerRuntime {
  /**
   * Makes a container of an image without running it; `attempt` counts its starts from 0, `podName` is what messages call its pod,
   * `name_namespace(uid)`. Rejects with RuntimeError when it cannot.
   */
  create(spec: ContainerSpec, attempt: number, podName: string): Promise<RuntimeContainer>;
}

/** A container cannot be created or started; `reason` is what Kubernetes shows: `CreateContainerError`, `RunContainerError` ... */
export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
  readonly reason: "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError";

  constructor(reason: RuntimeError["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The runtime has no such thing. */
export class NotProvided extends Error {
  override readonly name = "NotProvided";

  constructor(what: string, runtime: string) {
    super(`${what} of the container runtime "${runtime}" is not implemented`);
  }
}
