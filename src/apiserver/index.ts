// The Kubernetes API server of the Supervisor: the front door for kubectl, the schedulers, the controllers and every Spherelet.
// It keeps all objects in etcd under /registry/ and tells every watch what changed.
// It takes steps 1 (a manifest arrives) and 2 (it is stored), carries 6, 10 and 14, and begins the way back (D1).
import { setMaxListeners } from "node:events";
import type { Clock } from "../base/clock.js";
import { monotonicClock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import type { StepSink } from "../kubernetes/pod-steps.js";
import type { TlsMaterial } from "../rpc/tls.js";
import { bootstrap } from "./bootstrap.js";
import { EtcdBackend } from "./client.js";
import { OpenApi } from "./discovery/openapi.js";
import { KINDS, ROOT_PREFIX } from "./kinds/kinds.js";
import { Registry } from "./registry.js";
import { Authenticator, type TokenUser } from "./services/authenticator.js";
import { KubeletClient } from "./services/kubelet-client.js";
import { RequestMetrics } from "./services/request-metrics.js";
import { route } from "./services/router.js";
import { HttpsServer } from "./services/server.js";
import { StepNotes } from "./step-notes.js";
import { WatchCache } from "./storage/watch-cache.js";

export type { TokenUser } from "./services/authenticator.js";

/** What an API server needs. */
export interface ApiserverOptions {
  /** `host:port`; port 0 lets the system choose. */
  readonly listen: string;
  /** `host:port` of each etcd member; one is enough. */
  readonly etcdEndpoints: readonly string[];
  /** Mutual TLS towards etcd. */
  readonly etcdTls?: TlsMaterial | undefined;
  /** The serving certificate and the authority that client certificates must come from. */
  readonly tls: TlsMaterial;
  /** Its certificate as a client of kubelets, and the authority of theirs; without it there is no `nodes/proxy`. */
  readonly kubeletTls?: TlsMaterial | undefined;
  /** Callers who show a bearer token. */
  readonly tokens?: readonly TokenUser[];
  /** Emulated: timestamps in objects. */
  readonly clock: Clock;
  /** Monotonic: deadlines, retries, the end of watches. */
  readonly monotonic?: Clock;
  readonly dice: Dice;
  readonly log: Logger;
  /** Told of steps 1, 2 and D1 (`openStepRecorder` of rpc). */
  readonly recorder?: StepSink;
}

/** An API server that listens. */
export interface Apiserver {
  /** `host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

/** Fills the cache from etcd, makes what every cluster has from the start, and listens. */
export async function startApiserver(options: ApiserverOptions): Promise<Apiserver> {
  const { clock, log } = options;
  const monotonic = options.monotonic ?? monotonicClock();
  const backend = new EtcdBackend({ endpoints: options.etcdEndpoints, tls: options.etcdTls, clock: monotonic });
  const cache = new WatchCache({ backend, clock: monotonic, log, root: ROOT_PREFIX, prefixes: [...new Set(KINDS.map((kind) => kind.prefix))] });
  const registry = new Registry({ backend, cache, kinds: KINDS, emulated: clock, monotonic, dice: options.dice, log });
  const closing = new AbortController();
  const kubelets = options.kubeletTls === undefined ? undefined : new KubeletClient(options.kubeletTls);
  // Every open watch listens to it.
  setMaxListeners(0, closing.signal);
  try {
    await cache.start();
    await bootstrap(registry);
    const openApi = new OpenApi(KINDS);
    const notes = new StepNotes(options.recorder, clock);
    const metrics = new RequestMetrics();
    const server: HttpsServer = await HttpsServer.listen({
      listen: options.listen,
      tls: options.tls,
      authenticator: new Authenticator(options.tokens ?? []),
      handler: (exchange) => route(exchange, { registry, notes, closing: closing.signal, kubelets, openApi, metrics, address: () => server.address }),
      monotonic,
      log,
    });
    return {
      address: server.address,
      async close() {
        closing.abort();
        kubelets?.close();
        await server.close(monotonic);
        await cache.stop();
        backend.close();
      },
    };
  } catch (error) {
    await cache.stop();
    backend.close();
    throw error;
  }
}
