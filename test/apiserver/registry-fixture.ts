import { bootstrap } from "../../src/apiserver/bootstrap.js";
import { KINDS, ROOT_PREFIX } from "../../src/apiserver/kinds/kinds.js";
import { podKind } from "../../src/apiserver/kinds/pod.js";
import type { ApiObject } from "../../src/apiserver/object.js";
import { Registry } from "../../src/apiserver/registry.js";
import type { WriteOptions } from "../../src/apiserver/request.js";
import { createObject } from "../../src/apiserver/rest/create.js";
import type { Stored } from "../../src/apiserver/storage/stored.js";
import { WatchCache } from "../../src/apiserver/storage/watch-cache.js";
import { ManualClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import { MemoryBackend } from "./memory-backend.js";

/** 2026-01-01T00:00:00Z. */
const START_MS = Date.UTC(2026, 0, 1);

/** Options of a write by `manager`. */
export function writing(manager = "test", more: Partial<WriteOptions> = {}): WriteOptions {
  return { caller: { name: "admin", groups: [] }, fieldManager: manager, dryRun: false, fieldValidation: "Strict", force: false, warn: () => undefined, ...more };
}

/** A pod's body with one container. */
export function podBody(name: string, spec: object = {}, metadata: object = {}): ApiObject {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, ...metadata }, spec: { containers: [{ name: "c", image: "nginx:1" }], ...spec } };
}

/** A registry over a store in memory, with time that stands still. */
export class Fixture {
  readonly backend = new MemoryBackend();
  readonly emulated = new ManualClock(START_MS);
  readonly monotonic = new ManualClock();
  readonly registry: Registry;
  readonly #cache: WatchCache;

  private constructor() {
    this.#cache = new WatchCache({ backend: this.backend, clock: this.monotonic, log: silentLogger, root: ROOT_PREFIX, prefixes: [...new Set(KINDS.map((kind) => kind.prefix))] });
    this.registry = new Registry({ backend: this.backend, cache: this.#cache, kinds: KINDS, emulated: this.emulated, monotonic: this.monotonic, dice: new Dice(1), log: silentLogger });
  }

  static async start(): Promise<Fixture> {
    const fixture = new Fixture();
    await fixture.#cache.start();
    await bootstrap(fixture.registry);
    return fixture;
  }

  pod(name: string, spec: object = {}, metadata: object = {}): Promise<Stored> {
    return createObject(this.registry, podKind, "default", podBody(name, spec, metadata), writing());
  }

  stop(): Promise<void> {
    return this.#cache.stop();
  }
}
