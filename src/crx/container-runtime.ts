import type { ContainerSpec } from "../gen/spheresim/crx/v1/agent.js";

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

/** One container of a runtime, from creation to its end; started again means created again. */
export interface RuntimeContainer {
  /** Runs it; resolves when its process runs. Rejects with RuntimeError when it cannot. */
  start(): Promise<void>;
  /** Sends a signal to its first process; harmless when it has ended. */
  signal(signal: number): void;
  /** Resolves when it has ended. */
  readonly ended: Promise<ContainerExit>;
}

/**
 * What the Spherelet agent runs containers with (libcontainer on a real CRX): small, so that other runtimes can stand beside the
 * one that goes by image profiles.
 */
export interface ContainerRuntime {
  /** Makes a container of an image without running it. Rejects with RuntimeError when it cannot. */
  create(spec: ContainerSpec): Promise<RuntimeContainer>;
}

/** A container cannot be created or started; `reason` is what Kubernetes shows: `CreateContainerError`, `RunContainerError`. */
export class RuntimeError extends Error {
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.name = "RuntimeError";
    this.reason = reason;
  }
}
