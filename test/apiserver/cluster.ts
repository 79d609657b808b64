import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, monotonicClock, wallClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import { type Apiserver, type ApiserverOptions, startApiserver } from "../../src/apiserver/index.js";
import { MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { RestClient } from "../../src/kubernetes/rest-client.js";
import { CertificateAuthority, serverAddresses, serverNames } from "../../src/rpc/certificates.js";
import type { TlsMaterial } from "../../src/rpc/tls.js";
import { startRealEtcd } from "../support/real-etcd.js";

/** An API server on a store of its own, with a client of the cluster's administrator. */
export interface Cluster {
  readonly directory: string;
  readonly server: Apiserver;
  readonly authority: CertificateAuthority;
  readonly admin: TlsMaterial;
  readonly client: RestClient;
  /** `host:port` of the store. */
  readonly etcd: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  close(): Promise<void>;
}

/** A kubeconfig with everything inline. */
function kubeconfigOf(address: string, tls: TlsMaterial): string {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "spheresim",
    contexts: [{ name: "spheresim", context: { cluster: "spheresim", user: "admin" } }],
    clusters: [{ name: "spheresim", cluster: { server: `https://${address}`, "certificate-authority-data": base64(tls.caPem) } }],
    users: [{ name: "admin", user: { "client-certificate-data": base64(tls.certPem), "client-key-data": base64(tls.keyPem) } }],
  });
}

/** Starts a store (ours, unless a real one is asked for) and an API server. */
export async function startCluster(options: { readonly store?: "real" } & Partial<ApiserverOptions> = {}): Promise<Cluster> {
  const { store: storeKind, ...overrides } = options;
  const directory = mkdtempSync(join(tmpdir(), "spheresim-apiserver-"));
  const monotonic: Clock = monotonicClock();
  const store = storeKind === "real" ? await startRealEtcd() : await startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonic, log: silentLogger });
  const authority = await CertificateAuthority.open(directory);
  const serving = await authority.issue({ commonName: "kube-apiserver", dnsNames: serverNames, ipAddresses: serverAddresses, usages: ["server"] });
  const admin = await authority.issue({ commonName: "kubernetes-admin", organizations: ["system:masters"], usages: ["client"] });
  const kubeletTls = await authority.issue({ commonName: "kube-apiserver-kubelet-client", organizations: ["system:masters"], usages: ["client"] });
  const server = await startApiserver({ listen: "127.0.0.1:0", etcdEndpoints: [store.address], tls: serving, kubeletTls, clock: wallClock(), monotonic, dice: new Dice(1), log: silentLogger, ...overrides });
  const kubeconfig = join(directory, "kubeconfig");
  writeFileSync(kubeconfig, kubeconfigOf(server.address, admin));
  const client = new RestClient({ server: `https://${server.address}`, tls: { ca: admin.caPem, cert: admin.certPem, key: admin.keyPem }, userAgent: "test/1" });
  return {
    directory,
    server,
    authority,
    admin,
    client,
    etcd: store.address,
    kubeconfig,
    async close() {
      await client.close();
      await server.close();
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
