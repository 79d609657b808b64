import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monotonicClock, wallClock, type Clock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import { RestClient } from "../../src/kubernetes/rest-client.js";
import { CertificateAuthority, serverAddresses, serverNames } from "../../src/rpc/certificates.js";
import type { TlsMaterial } from "../../src/rpc/tls.js";
import { type Apiserver, type ApiserverOptions, startApiserver } from "../../src/apiserver/index.js";

const ETCD = "/usr/bin/etcd";

/** Why a test that needs the real etcd cannot run here; undefined when it can. */
export function missingEtcd(): string | undefined {
  if (existsSync(ETCD)) return undefined;
  if (process.env["SPHERESIM_INTEROP"] === "require") throw new Error(`${ETCD} is missing and SPHERESIM_INTEROP=require`);
  return `${ETCD} is not installed`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** A real etcd on a free port with a directory of its own. */
export async function startEtcd(directory: string): Promise<{ readonly address: string; readonly process: ChildProcess }> {
  const [client, peer] = [await freePort(), await freePort()];
  const child = spawn(
    ETCD,
    [
      "--data-dir", join(directory, "etcd"), "--unsafe-no-fsync",
      "--listen-client-urls", `http://127.0.0.1:${client}`, "--advertise-client-urls", `http://127.0.0.1:${client}`,
      "--listen-peer-urls", `http://127.0.0.1:${peer}`, "--initial-advertise-peer-urls", `http://127.0.0.1:${peer}`, "--initial-cluster", `default=http://127.0.0.1:${peer}`,
    ],
    { stdio: "ignore" },
  );
  return { address: `127.0.0.1:${client}`, process: child };
}

/** An API server on a store of its own, with a client of the cluster's administrator. */
export interface Cluster {
  readonly directory: string;
  readonly server: Apiserver;
  readonly authority: CertificateAuthority;
  readonly admin: TlsMaterial;
  readonly client: RestClient;
  readonly etcd: string;
  /** A kubeconfig of the administrator. */
  readonly kubeconfig: string;
  close(): Promise<void>;
}

/** A kubeconfig with everything inline. */
export function kubeconfigOf(address: string, tls: TlsMaterial): string {
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

/** Starts etcd and an API server. */
export async function startCluster(options: { readonly clock?: Clock } & Partial<ApiserverOptions> = {}): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-apiserver-"));
  const etcd = await startEtcd(directory);
  const authority = await CertificateAuthority.open(directory);
  const serving = await authority.issue({ commonName: "kube-apiserver", dnsNames: serverNames, ipAddresses: serverAddresses, usages: ["server"] });
  const admin = await authority.issue({ commonName: "kubernetes-admin", organizations: ["system:masters"], usages: ["client"] });
  const server = await startApiserver({
    listen: "127.0.0.1:0",
    etcdEndpoints: [etcd.address],
    tls: serving,
    clock: wallClock(),
    monotonic: monotonicClock(),
    dice: new Dice(1),
    log: silentLogger,
    ...options,
  });
  const kubeconfig = join(directory, "kubeconfig");
  writeFileSync(kubeconfig, kubeconfigOf(server.address, admin));
  const client = new RestClient({ server: `https://${server.address}`, tls: { ca: admin.caPem, cert: admin.certPem, key: admin.keyPem }, userAgent: "test/1" });
  return {
    directory,
    server,
    authority,
    admin,
    client,
    etcd: etcd.address,
    kubeconfig,
    async close() {
      client.close();
      await server.close();
      const gone = once(etcd.process, "exit");
      etcd.process.kill("SIGKILL");
      await gone;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
