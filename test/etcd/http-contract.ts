import assert from "node:assert/strict";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { REFUSED, REFUSED_BY_ALL } from "../rpc/refused-json.js";
import type { ServerUnderTest } from "../support/real-etcd.js";

/** What differs between the etcd versions that may stand behind the contract. */
export interface HttpTraits {
  /** 3.5's gateway: `error`, `code`, `message` in this order, and 400 for FAILED_PRECONDITION; 3.4's puts the code last and says 412. */
  readonly gateway35: boolean;
  /** `/health` tells a reason, `/livez` and `/readyz` exist. */
  readonly probes: boolean;
  readonly version: string;
}

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: string;
}

const b64 = (plain: string): string => Buffer.from(plain).toString("base64");
/** Ids and terms belong to the server; what is compared is the rest, byte for byte. */
const masked = (body: string): string => body.replaceAll(/"(cluster_id|member_id|raft_term)":"\d+"/g, '"$1":"#"');

/** etcd's HTTP paths and JSON gateway, written once and run against every server that claims them. */
export function httpContract(name: string, skip: string | false, start: () => Promise<ServerUnderTest>, traits: HttpTraits): void {
  describe(`etcd over HTTP: ${name}`, { skip }, () => {
    let server: ServerUnderTest;
    before(async () => {
      server = await start();
    });
    after(() => server.close());

    const send = (method: string, path: string, body = "", headers = {}): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const [host, port] = server.address.split(":");
        request({ host, port, method, path, headers, agent: false }, (response) => {
          text(response).then((answer) => resolve({ status: response.statusCode ?? 0, type: response.headers["content-type"], body: masked(answer) }), reject);
        })
          .on("error", reject)
          .end(body);
      });
    /** What a stream says first. */
    const firstLine = (path: string, body: object, headers: object): Promise<string> =>
      new Promise((resolve, reject) => {
        const [host, port] = server.address.split(":");
        const call = request({ host, port, method: "POST", path, headers: { ...headers }, agent: false }, (response) => {
          let said = "";
          response.setEncoding("utf8").on("data", (chunk: string) => {
            said += chunk;
            if (!said.includes("\n")) return;
            resolve(said.split("\n", 1)[0] as string);
            call.on("error", () => undefined).destroy();
          });
        });
        call.on("error", reject).end(JSON.stringify(body));
      });
    const post = async (path: string, body: unknown): Promise<string> => {
      const answer = await send("POST", path, typeof body === "string" ? body : JSON.stringify(body));
      assert.deepEqual([answer.status, answer.type], [200, "application/json"], answer.body);
      return answer.body;
    };
    const refused = async (path: string, body: unknown, status: number, code: number, message: string): Promise<void> => {
      const answer = await send("POST", path, typeof body === "string" ? body : JSON.stringify(body));
      const [error, said] = [JSON.stringify(message), JSON.stringify(message)];
      assert.deepEqual(answer, { status, type: "application/json", body: traits.gateway35 ? `{"error":${error},"code":${code},"message":${said}}` : `{"error":${error},"message":${said},"code":${code}}` });
    };
    const header = (revision: number): string => `"header":{"cluster_id":"#","member_id":"#","revision":"${revision}","raft_term":"#"}`;
    const revision = async (): Promise<number> => Number((JSON.parse(await post("/v3/kv/range", { key: b64("none") })) as { header: { revision: string } }).header.revision);

    it("puts, reads and deletes, with bytes in base64 and long integers as strings", async () => {
      const now = await revision();
      assert.equal(await post("/v3/kv/put", { key: b64("a"), value: b64("1") }), `{${header(now + 1)}}`);
      const pair = `{"key":"${b64("a")}","create_revision":"${now + 1}","mod_revision":"${now + 1}","version":"1","value":"${b64("1")}"}`;
      assert.equal(await post("/v3/kv/range", { key: b64("a") }), `{${header(now + 1)},"kvs":[${pair}],"count":"1"}`);
      assert.equal(await post("/v3/kv/range", { key: b64("a"), rangeEnd: b64("b"), sort_order: "DESCEND", count_only: true }), `{${header(now + 1)},"count":"1"}`);
      assert.equal(await post("/v3beta/kv/range", { key: b64("a"), range_end: b64("b"), keysOnly: true, nothing: { we: "know" } }), `{${header(now + 1)},"kvs":[${pair.replace(/,"value":"[^"]*"/, "")}],"count":"1"}`);
      assert.equal(await post("/v3/kv/deleterange", { key: b64("a"), prev_kv: true }), `{${header(now + 2)},"deleted":"1","prev_kvs":[${pair}]}`);
    });

    it("runs nested transactions", async () => {
      const now = await revision();
      const txn = { compare: [{ key: b64("t"), target: "CREATE", result: "EQUAL", create_revision: "0" }], success: [{ request_put: { key: b64("t"), value: b64("<&>") } }, { requestTxn: { success: [{ request_range: { key: b64("t") } }] } }] };
      const pair = `{"key":"${b64("t")}","create_revision":"${now + 1}","mod_revision":"${now + 1}","version":"1","value":"${b64("<&>")}"}`;
      assert.equal(
        await post("/v3/kv/txn", txn),
        `{${header(now + 1)},"succeeded":true,"responses":[{"response_put":{"header":{"revision":"${now + 1}"}}},{"response_txn":{"header":{},"succeeded":true,"responses":[{"response_range":{"header":{"revision":"${now + 1}"},"kvs":[${pair}],"count":"1"}}]}}]}`,
      );
      assert.match(await post("/v3/kv/txn", txn), /^\{"header":\{[^}]+\}\}$/);
    });

    it("grants leases whose ids no double can hold, written as a string or as a number", async () => {
      for (const [id, as] of [["9007199254740993", "9007199254740993"], ["9007199254740995", '"9007199254740995"']] as const) {
        assert.match(await post("/v3/lease/grant", `{"ID":${as},"TTL":60}`), new RegExp(`"ID":"${id}","TTL":"60"\\}$`));
        assert.match(await post("/v3/kv/lease/timetolive", `{"ID":${as},"keys":true}`), new RegExp(`"ID":"${id}","TTL":"(?:60|59)","grantedTTL":"60"\\}$`));
        assert.match(await post("/v3/lease/revoke", `{"ID":${as}}`), /^\{"header":\{[^}]+\}\}$/);
      }
    });

    it("answers each value of a stream with a line, and ends with it", async () => {
      await post("/v3/lease/grant", { ID: "77", TTL: "60" });
      const lines = (await post("/v3/lease/keepalive", '{"ID":"77"}\n{"ID":78}')).split("\n");
      assert.deepEqual(lines.map((line) => line.replace(/"header":\{[^}]*\},/, "")), ['{"result":{"ID":"77","TTL":"60"}}', '{"result":{"ID":"78"}}', ""]);
    });

    it("watches, and forgets the watch when its client goes", async () => {
      const from = (await revision()) + 1;
      await post("/v3/kv/put", { key: b64("w"), value: b64("1") });
      const [host, port] = server.address.split(":");
      const call = request({ host, port, method: "POST", path: "/v3/watch", agent: false });
      call.end(JSON.stringify({ create_request: { key: b64("w"), start_revision: String(from), prev_kv: true } }));
      const lines = await new Promise<string[]>((resolve, reject) => {
        let said = "";
        const enough = (): string[] => said.split("\n").slice(0, -1);
        call.on("error", reject).on("response", (response) => {
          response.setEncoding("utf8").on("data", (chunk: string) => {
            said += chunk;
            if (enough().length >= 2) resolve(enough());
          });
        });
      });
      call.on("error", () => undefined).destroy();
      assert.deepEqual(lines.map(masked), [
        `{"result":{${header(from)},"created":true}}`,
        `{"result":{${header(from)},"events":[{"kv":{"key":"${b64("w")}","create_revision":"${from}","mod_revision":"${from}","version":"1","value":"${b64("1")}"}}]}}`,
      ]);
    });

    it("refuses with etcd's errors", async () => {
      await refused("/v3/kv/range", {}, 400, 3, "etcdserver: key is not provided");
      await refused("/v3/kv/range", "", 400, 3, "etcdserver: key is not provided");
      await refused("/v3/kv/range", "null", 400, 3, "etcdserver: key is not provided");
      await refused("/v3/kv/range", { key: b64("a"), revision: "100000" }, 400, 11, "etcdserver: mvcc: required revision is a future revision");
      await refused("/v3/lease/revoke", { ID: "12345" }, 404, 5, "etcdserver: requested lease not found");
      await refused("/v3/cluster/member/add", { peerURLs: ["127.0.0.1"] }, 400, 3, "etcdserver: given member URLs are invalid");
      await refused("/v3/cluster/member/update", { ID: "1", peerURLs: ["http://127.0.0.1:7"] }, 404, 5, "etcdserver: member not found");
      await refused("/v3/cluster/member/promote", { ID: "1" }, 404, 5, "etcdserver: member not found");
      const { members } = JSON.parse(await post("/v3/cluster/member/list", {})) as { members: { ID: string }[] };
      await refused("/v3/cluster/member/remove", { ID: members[0]?.ID }, 500, 2, "etcdserver: re-configuration failed due to not enough started members");
      await refused("/v3/cluster/member/promote", { ID: members[0]?.ID }, traits.gateway35 ? 400 : 412, 9, "etcdserver: can only promote a learner member");
    });

    it("refuses what is no JSON, or not what was asked for, in Go's words", async () => {
      for (const [text, message] of traits.gateway35 ? REFUSED : REFUSED_BY_ALL) await refused("/v3/kv/range", text, 400, 3, message);
      const taken = await Promise.all(['{"key":[97]}', '{"key":"YQ==","limit":" 5 "}', '{"key":"Y\\nQ=="} and what follows'].map((body) => send("POST", "/v3/kv/range", body)));
      assert.deepEqual(taken.map(({ status }) => status), [200, 200, 200]);
      let nested = "{}";
      for (let depth = 0; depth < 1_500; depth += 1) nested = `{"success":[{"request_txn":${nested}}]}`;
      await refused("/v3/kv/txn", nested, 400, 3, "etcdserver: too many operations in txn request");
    });

    it("answers a range of megabytes, while it answers others", async () => {
      const value = b64("v".repeat(90));
      for (let from = 0; from < 8_000; from += 100) {
        const success = Array.from({ length: 100 }, (_, index) => ({ request_put: { key: b64(`many/${from + index}`), value } }));
        await post("/v3/kv/txn", { success });
      }
      const [answer, other] = await Promise.all([send("POST", "/v3/kv/range", JSON.stringify({ key: b64("many/"), range_end: b64("many0") })), send("GET", "/version")]);
      assert.deepEqual([answer.status, answer.type, other.status], [200, "application/json", 200]);
      const { kvs, count } = JSON.parse(answer.body) as { kvs: { key: string; value: string }[]; count: string };
      assert.deepEqual([kvs.length, count, kvs.every((pair) => pair.value === value), kvs[0]?.key], [8_000, "8000", true, b64("many/0")]);
      await post("/v3/kv/deleterange", { key: b64("many/"), range_end: b64("many0") });
    });

    it("knows its paths and methods", async () => {
      const text = "text/plain; charset=utf-8";
      assert.deepEqual(await send("GET", "/v3/kv/range"), { status: 405, type: text, body: "Method Not Allowed\n" });
      assert.deepEqual(await send("POST", "/v3/kv/nothing", "{}"), { status: 404, type: text, body: "Not Found\n" });
      assert.deepEqual(await send("POST", "/v3alpha/kv/range", "{}"), { status: 404, type: text, body: "404 page not found\n" });
      assert.deepEqual(await send("GET", "/nothing"), { status: 404, type: text, body: "404 page not found\n" });
      assert.deepEqual(await send("OPTIONS", "/v3/kv/range"), { status: 200, type: undefined, body: "" });
      assert.deepEqual(await send("POST", "/version"), { status: 405, type: text, body: "Method Not Allowed\n" });
      assert.deepEqual(await send("GET", "/version"), { status: 200, type: "application/json", body: `{"etcdserver":"${traits.version}","etcdcluster":"${traits.version.replace(/\.\d+$/, ".0")}"}` });
      for (const query of ["", "?serializable=true", "?exclude=NOSPACE"]) {
        assert.deepEqual(await send("GET", `/health${query}`), { status: 200, type: text, body: traits.probes ? '{"health":"true","reason":""}' : '{"health":"true"}' });
      }
      for (const method of ["HEAD", "POST", "PUT", "DELETE"]) {
        const body = method === "HEAD" ? "" : "Method Not Allowed\n";
        for (const path of ["/version", "/health", ...(traits.probes ? ["/livez", "/readyz", "/readyz/non_learner"] : [])]) assert.deepEqual(await send(method, path), { status: 405, type: text, body }, `${method} ${path}`);
        // Prometheus' own handler does not look at the method.
        const metrics = await send(method, "/metrics");
        assert.deepEqual([metrics.status, metrics.type, method === "HEAD" || metrics.body.startsWith("# HELP ")], [200, "text/plain; version=0.0.4; charset=utf-8", true], method);
      }
      if (!traits.probes) return;
      assert.deepEqual(await send("GET", "/livez"), { status: 200, type: text, body: "ok\n" });
      assert.deepEqual(await send("GET", "/readyz?verbose&exclude=non_learner"), { status: 200, type: text, body: "[+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\nok\n" });
      assert.deepEqual(await send("GET", "/readyz/data_corruption?verbose"), { status: 200, type: text, body: "[+]data_corruption ok\nok\n" });
      assert.equal((await send("GET", "/livez/data_corruption")).status, 404);
    });

    it("tells what it counts under etcd's names", async () => {
      const page = async (): Promise<ReadonlyMap<string, number>> => {
        const lines = (await send("GET", "/metrics")).body.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
        return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
      };
      const earlier = await page();
      await post("/v3/kv/put", { key: b64("m"), value: b64("1") });
      await post("/v3/kv/range", { key: b64("m") });
      const between = await page();
      await post("/v3/kv/deleterange", { key: b64("m") });
      const later = await page();
      const keys = "etcd_debugging_mvcc_keys_total";
      assert.deepEqual([between.get(keys), later.get(keys)], [(earlier.get(keys) ?? NaN) + 1, earlier.get(keys)]);
      for (const name of ["etcd_mvcc_put_total", "etcd_mvcc_range_total", "etcd_mvcc_delete_total"]) assert.equal((later.get(name) ?? 0) - (earlier.get(name) ?? 0), 1, name);
      const put = 'grpc_server_handled_total{grpc_code="OK",grpc_method="Put",grpc_service="etcdserverpb.KV",grpc_type="unary"}';
      assert.equal((later.get(put) ?? 0) - (earlier.get(put) ?? 0), 1);
      for (const name of ["etcd_server_has_leader", "etcd_server_is_leader", `etcd_server_version{server_version="${traits.version}"}`, `etcd_cluster_version{cluster_version="${traits.version.replace(/\.\d+$/, "")}"}`]) assert.equal(later.get(name), 1, name);
      assert.equal(later.get("etcd_debugging_mvcc_current_revision"), await revision());
      assert.ok((later.get("etcd_disk_wal_fsync_duration_seconds_count") ?? 0) > 0);
      for (const name of ["etcd_mvcc_db_total_size_in_bytes", "process_resident_memory_bytes", "etcd_server_quota_backend_bytes"]) assert.ok((later.get(name) ?? 0) > 0, name);
    });

    it("asks who calls, of streams too, and takes the token of the Authorization header", async () => {
      const secret = { name: "root", password: "secret" };
      await post("/v3/auth/user/add", secret);
      await post("/v3/auth/user/add", { name: "reader", password: "r" });
      await post("/v3/auth/role/add", { name: "root" }).catch(() => undefined);
      await post("/v3/auth/role/add", { name: "reads" });
      await post("/v3/auth/role/grant", { name: "reads", perm: { key: b64("h"), range_end: b64("i") } });
      await post("/v3/auth/user/grant", { user: "root", role: "root" });
      await post("/v3/auth/user/grant", { user: "reader", role: "reads" });
      await post("/v3/auth/enable", {});
      const signIn = async (who: object): Promise<Readonly<Record<string, string>>> => ({ Authorization: (JSON.parse(await post("/v3/auth/authenticate", who)) as { token: string }).token });
      const [root, reader] = [await signIn(secret), await signIn({ name: "reader", password: "r" })];
      const said = async (path: string, body: unknown, headers = {}): Promise<string> => {
        const answer = await send("POST", path, JSON.stringify(body), headers);
        const { message } = JSON.parse(answer.body) as { message?: string };
        return message === undefined ? String(answer.status) : `${answer.status} ${message}`;
      };
      try {
        await refused("/v3/kv/range", { key: b64("h") }, 400, 3, "etcdserver: user name is empty");
        await refused("/v3/auth/authenticate", { ...secret, password: "guess" }, 400, 3, "etcdserver: authentication failed, invalid user ID or password");
        const asked = { key: b64("h") };
        assert.deepEqual([await said("/v3/kv/range", asked, reader), await said("/v3/kv/put", asked, reader), await said("/v3/kv/put", asked, root)], ["200", "403 etcdserver: permission denied", "200"]);
        assert.equal(await said("/v3/kv/range", asked, { Authorization: "none.1" }), "401 etcdserver: invalid auth token");
        const watched = async (key: string, headers: object): Promise<string> => firstLine("/v3/watch", { create_request: { key: b64(key) } }, headers);
        assert.match(await watched("h", reader), /"created":true\}\}$/);
        assert.match(await watched("x", reader), /"canceled":true,"cancel_reason":"rpc error: code = PermissionDenied desc = etcdserver: permission denied"/);
        assert.match(await watched("h", {}), traits.gateway35 ? /"canceled":true,"cancel_reason":"rpc error: code = InvalidArgument desc = etcdserver: user name is empty"/ : /"canceled":true/);
      } finally {
        assert.equal(await said("/v3/auth/disable", {}, root), "200");
      }
    });
  });
}
