import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { request as http1 } from "node:http";
import { connect } from "node:http2";
import { request as https } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { Client, credentials } from "@grpc/grpc-js";
import { silentLogger } from "../../src/base/log.js";
import { CertificateAuthority, serverAddresses, serverNames } from "../../src/rpc/certificates.js";
import type { HttpHandler } from "../../src/rpc/listener.js";
import { formatListenUrl, parseListenUrl } from "../../src/rpc/listen-url.js";
import { type RpcServer, type RpcServerOptions, serve, startRpcServer } from "../../src/rpc/server.js";
import type { TlsMaterial } from "../../src/rpc/tls.js";
import { EchoService, type Note } from "./echo-service.js";

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-listen-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** What the server tells of a request; over both versions of HTTP. */
const http: HttpHandler = (request, response) => void response.writeHead(200).end(`${request.httpVersion} ${request.method} ${request.url}`);

/** A server whose gRPC method answers with the name on the client's certificate. */
async function startNaming(t: TestContext, options: Partial<RpcServerOptions>): Promise<RpcServer> {
  const service = serve(EchoService, { once: (_note, call): Note => ({ text: call.peerCommonName ?? "nobody" }) });
  const server = await startRpcServer({ listen: "127.0.0.1:0", room: "naming", log: silentLogger, services: [service], http, closeLimitMs: 200, ...options });
  t.after(() => server.close());
  return server;
}

function nameOver(t: TestContext, address: string, tls?: { readonly ca: string; readonly own?: TlsMaterial }): Promise<string> {
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  const client = new Client(address, tls === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(tls.ca), pem(tls.own?.keyPem), pem(tls.own?.certPem)));
  t.after(() => client.close());
  const { path, requestSerialize, responseDeserialize } = EchoService.once;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { text: "" }, { deadline: performance.timeOrigin + performance.now() + 60_000 }, (error, note) => (error === null ? resolve(note?.text ?? "") : reject(error)));
  });
}

async function certificates(t: TestContext): Promise<{ readonly server: TlsMaterial; readonly client: TlsMaterial }> {
  const authority = await CertificateAuthority.open(temporaryDirectory(t));
  return {
    server: await authority.issue({ commonName: "server", dnsNames: serverNames, ipAddresses: serverAddresses, usages: ["server"] }),
    client: await authority.issue({ commonName: "alice", dnsNames: ["alice.test"], usages: ["client"] }),
  };
}

async function over2(port: number, ca: string, path: string): Promise<string> {
  const session = connect(`https://127.0.0.1:${port}`, { ca });
  try {
    return await text(session.request({ ":path": path }).end());
  } finally {
    session.close();
  }
}

function over1(options: object, secure: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    (secure ? https : http1)({ path: "/x", agent: false, ...options }, (response) => void text(response).then(resolve, reject)).on("error", reject).end();
  });
}

test("URLs of listeners are read as etcd reads them", () => {
  for (const url of ["http://127.0.0.1:2379", "https://[::1]:2379", "unix:///run/etcd.sock", "unixs://localhost:1"]) assert.equal(formatListenUrl(parseListenUrl(url)), url);
  assert.deepEqual(parseListenUrl("http://localhost:0/"), { secure: false, host: "127.0.0.1", port: 0 });
  assert.deepEqual(parseListenUrl("https://:2379"), { secure: true, host: "0.0.0.0", port: 2379 });
  const refused: Record<string, RegExp> = {
    "127.0.0.1:1": /^URL scheme must be http, https, unix, or unixs: 127/,
    "ftp://127.0.0.1:1": /^URL scheme must be/,
    "http://example.com:1": /^expected IP in URL for binding \(http:\/\/example\.com:1\)$/,
    "http://127.0.0.1": /^URL address does not have the form "host:port": http/,
    "http://127.0.0.1:1/path": /^URL must not contain a path: http/,
  };
  for (const [url, message] of Object.entries(refused)) assert.throws(() => parseListenUrl(url), { message });
});

test("plain text and TLS share a place that two URLs name", async (t) => {
  const { server: tls } = await certificates(t);
  const path = join(temporaryDirectory(t), "both.sock");
  await startNaming(t, { listen: [parseListenUrl(`unix://${path}`), parseListenUrl(`unixs://${path}`)], tls: { ...tls, clientCertAuth: false } });
  assert.equal(await over1({ socketPath: path }, false), "1.1 GET /x");
  assert.equal(await over1({ socketPath: path, ca: tls.caPem, servername: "localhost" }, true), "1.1 GET /x");
  assert.equal(await nameOver(t, `unix:${path}`), "nobody");
});

test("over TLS HTTP comes as HTTP/2 or 1.1, beside gRPC; without client-cert-auth nobody is asked for a certificate", async (t) => {
  const { server: tls, client } = await certificates(t);
  const { address, port } = await startNaming(t, { listen: [parseListenUrl("https://127.0.0.1:0")], tls: { ...tls, clientCertAuth: false } });
  assert.equal(await over2(port, tls.caPem, "/version"), "2.0 GET /version");
  assert.equal(await over1({ host: "127.0.0.1", port, ca: tls.caPem }, true), "1.1 GET /x");
  assert.equal(await nameOver(t, address, { ca: tls.caPem }), "nobody");
  assert.equal(await nameOver(t, address, { ca: tls.caPem, own: client }), "nobody");
});

test("with client-cert-auth a handler learns the common name, and who shows none is kept out", async (t) => {
  const { server: tls, client } = await certificates(t);
  const { address, port } = await startNaming(t, { listen: [parseListenUrl("https://127.0.0.1:0")], tls: { ...tls, clientCertAuth: true, clientNames: ["alice.test"] } });
  assert.equal(await nameOver(t, address, { ca: tls.caPem, own: client }), "alice");
  await assert.rejects(nameOver(t, address, { ca: tls.caPem }));
  await assert.rejects(over1({ host: "127.0.0.1", port, ca: tls.caPem }, true));
  const others = await startNaming(t, { listen: [parseListenUrl("https://127.0.0.1:0")], tls: { ...tls, clientNames: ["bob.test"] } });
  await assert.rejects(nameOver(t, others.address, { ca: tls.caPem, own: client }));
});

test("a socket file is there while the server runs, and one that was left behind does not matter", async (t) => {
  const path = join(temporaryDirectory(t), "left.sock");
  const listen = [parseListenUrl(`unix://${path}`)];
  const first = await startNaming(t, { listen });
  assert.equal(first.address, path);
  const second = await startNaming(t, { listen });
  assert.equal(await over1({ socketPath: path }, false), "1.1 GET /x");
  await first.close();
  await second.close();
  assert.equal(existsSync(path), false);
});

test("a place for metrics answers HTTP and no gRPC; a server that cannot listen everywhere listens nowhere", async (t) => {
  const path = join(temporaryDirectory(t), "metrics.sock");
  const { address } = await startNaming(t, { metricsListen: [parseListenUrl(`unix://${path}`)] });
  assert.match(await over1({ socketPath: path, path: "/metrics" }, false), /^grpc_server_started_total\{/m);
  await assert.rejects(nameOver(t, `unix:${path}`));
  const free = join(temporaryDirectory(t), "free.sock");
  await assert.rejects(startNaming(t, { listen: [parseListenUrl(`unix://${free}`), parseListenUrl(`http://${address}`)] }), /naming cannot listen on 127/);
  assert.equal(existsSync(free), false);
  await assert.rejects(startNaming(t, { listen: [parseListenUrl("https://127.0.0.1:0")] }), { message: "naming cannot speak TLS at 127.0.0.1:0: it has no certificate and key" });
});
