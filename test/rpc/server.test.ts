import assert from "node:assert/strict";
import { get } from "node:http";
import { connect } from "node:http2";
import { test } from "node:test";
import { Client, credentials } from "@grpc/grpc-js";
import { silentLogger } from "../../src/base/log.js";
import { ReadCounter } from "../../src/base/metric.js";
import { RpcError } from "../../src/base/rpc-error.js";
import { JournalServiceService } from "../../src/gen/spheresim/emulator/v1/journal_service.js";
import { serve, startRpcServer } from "../../src/rpc/server.js";
import { increase, metricsOf } from "../support/metrics.js";
import { startEcho } from "./echo-server.js";

/** A gRPC string field 1, or an empty message: all these two requests need. */
const stringField = (field: number, text: string): Buffer => Buffer.concat([Buffer.from([field << 3 | 2, text.length]), Buffer.from(text)]);
const raw = { write: (bytes: Buffer): Buffer => bytes, read: (bytes: Buffer): Buffer => bytes };

function rawClient(t: { after(fn: () => void): void }, address: string): Client {
  const client = new Client(address, credentials.createInsecure());
  t.after(() => client.close());
  return client;
}

test("grpc.health.v1 answers for the server and for each service", async (t) => {
  const { server } = await startEcho(t, {});
  const client = rawClient(t, server.address);
  const check = (service: string): Promise<number | undefined> =>
    new Promise((resolve) => {
      client.makeUnaryRequest("/grpc.health.v1.Health/Check", raw.write, raw.read, service === "" ? Buffer.alloc(0) : stringField(1, service), (error, response) => resolve(error === null ? response?.[1] : -error.code));
    });
  assert.equal(await check(""), 1);
  assert.equal(await check("test.v1.EchoService"), 1);
  assert.equal(await check("test.v1.Nothing"), -5);
  server.health.set(false);
  assert.deepEqual([await check(""), await check("test.v1.EchoService")], [2, 2]);
});

test("reflection lists the services and describes the contracts, in both versions", async (t) => {
  const server = await startRpcServer({ listen: "127.0.0.1:0", room: "emulator", log: silentLogger, services: [serve(JournalServiceService, {})], closeLimitMs: 200 });
  t.after(() => server.close());
  const client = rawClient(t, server.address);
  const ask = (version: string, request: Buffer): Promise<string> =>
    new Promise((resolve, reject) => {
      const stream = client.makeBidiStreamRequest(`/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`, raw.write, raw.read);
      stream.on("data", (answer: Buffer) => resolve(answer.toString("latin1")));
      stream.on("error", reject);
      stream.write(request);
      stream.end();
    });
  for (const version of ["v1", "v1alpha"]) {
    const listed = await ask(version, stringField(7, "*"));
    assert.match(listed, /spheresim\.emulator\.v1\.JournalService/);
    assert.doesNotMatch(listed, /vcenter/);
    assert.match(listed, /grpc\.health\.v1\.Health/);
    assert.match(await ask(version, stringField(4, "google.rpc.ErrorInfo")), /google\/rpc|google\.rpc/);
  }
});

test("HTTP/1.1 shares the port with gRPC", async (t) => {
  const { server, client } = await startEcho(t, { once: async (note) => note }, {
    http: (request, response) => void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ path: request.url })),
  });
  assert.equal((await client.once({ text: "grpc" })).text, "grpc");
  const answer = await new Promise<string>((resolve, reject) => {
    get({ host: "127.0.0.1", port: server.port, path: "/version", agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk)).on("end", () => resolve(text));
    }).on("error", reject);
  });
  assert.deepEqual(JSON.parse(answer), { path: "/version" });
});

test("/metrics counts the calls that were answered, beside what the room counts", async (t) => {
  const { server, client } = await startEcho(t, {
    once: (note) => {
      if (note.text === "") throw RpcError.invalidArgument("no text");
      return note;
    },
    many: async (note, stream) => stream.write(note),
  }, { metrics: [new ReadCounter({ name: "echo_walls_total", help: "Walls." }, () => 4)] });
  await client.once({ text: "a" });
  await client.once({ text: "b" });
  await assert.rejects(client.once({ text: "" }));
  for await (const _ of client.many({ text: "c" })) continue;
  const once = 'grpc_method="Once",grpc_service="test.v1.EchoService",grpc_type="unary"';
  const many = 'grpc_method="Many",grpc_service="test.v1.EchoService",grpc_type="server_stream"';
  const page = await metricsOf(server.address);
  assert.equal(page.get(`grpc_server_handled_total{grpc_code="NotFound",${once}}`), 0);
  assert.deepEqual(increase(new Map(), page), new Map([
    [`grpc_server_handled_total{grpc_code="OK",${once}}`, 2],
    [`grpc_server_handled_total{grpc_code="InvalidArgument",${once}}`, 1],
    [`grpc_server_handled_total{grpc_code="OK",${many}}`, 1],
    [`grpc_server_msg_received_total{${once}}`, 3],
    [`grpc_server_msg_received_total{${many}}`, 1],
    [`grpc_server_msg_sent_total{${once}}`, 2],
    [`grpc_server_msg_sent_total{${many}}`, 1],
    [`grpc_server_started_total{${once}}`, 3],
    [`grpc_server_started_total{${many}}`, 1],
    ["echo_walls_total", 4],
  ]));
});

test("a call right behind its client's GOAWAY is answered; then the connection ends", async (t) => {
  const { server } = await startEcho(t, {});
  const session = connect(`http://${server.address}`);
  t.after(() => session.destroy());
  const gone = new Promise((resolve) => session.once("close", resolve));
  const check = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const call = session.request({ ":method": "POST", ":path": "/grpc.health.v1.Health/Check", "content-type": "application/grpc", te: "trailers" });
      call.on("trailers", (trailers) => resolve(trailers["grpc-status"])).on("error", reject).resume();
      call.end(Buffer.alloc(5));
    });
  assert.equal(await check(), "0");
  session.goaway();
  assert.equal(await check(), "0");
  await gone;
});

test("a port that is taken is refused with its holder", async (t) => {
  const { server } = await startEcho(t, {});
  const second = startRpcServer({ listen: server.address, room: "vcenter", log: silentLogger, services: [] });
  const whose = process.platform === "linux" ? `pid ${process.pid} (` : "another process";
  await assert.rejects(second, (error: Error) => error.message.startsWith(`vcenter cannot listen on ${server.address}: ${whose}`) && !error.message.includes("\n"));
});

test("an open port without TLS is refused", async () => {
  const server = startRpcServer({ listen: "0.0.0.0:7432", room: "vcenter", log: silentLogger, services: [] });
  await assert.rejects(server, { message: "refusing to listen on 0.0.0.0:7432 without TLS: other machines could reach it; use 127.0.0.1:7432 or add --tls" });
});
