import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wallClock } from "../../src/base/clock.js";
import type { ServerUnderTest } from "../support/real-etcd.js";
import { jwtKeys } from "./jwt-keys.js";
import { as, newUser, outcome, permission, type Services, services } from "./signed-in.js";
import { put } from "./wire.js";

/** Tokens of `--auth-token jwt,...`; `start` gives a server that was started with that value. */
export function jwtContract(name: string, skip: string | false, start: (authToken: string) => Promise<ServerUnderTest>): void {
  describe(`etcd contract of JSON Web Tokens: ${name}`, { skip }, () => {
    /** Runs with a server on which root and alice, who may use the key `a`, must sign in. */
    const withAuth = async (authToken: string, work: (etcd: Services) => Promise<void>): Promise<void> => {
      const server = await start(authToken);
      const etcd = services(server.address);
      try {
        await etcd.auth.userAdd(newUser("root"));
        await etcd.auth.userGrantRole({ user: "root", role: "root" });
        await etcd.auth.userAdd(newUser("alice"));
        await etcd.auth.roleAdd({ name: "a" });
        await etcd.auth.roleGrantPermission({ name: "a", perm: permission("READWRITE", "a") });
        await etcd.auth.userGrantRole({ user: "alice", role: "a" });
        await etcd.auth.authEnable({});
        await work(etcd);
      } finally {
        etcd.close();
        await server.close();
      }
    };
    const putA = (etcd: Services, token: string, header?: string): Promise<string> => outcome(etcd.kv.put(put({ key: "a", value: "1" }), as(token, header)));
    const signIn = async (etcd: Services, user: string): Promise<string> => (await etcd.auth.authenticate({ name: user, password: user })).token;

    for (const method of ["HS256", "RS512", "PS384", "ES256", "ES512"]) {
      it(`are signed and known again by ${method}`, async () => {
        const keys = jwtKeys(method.startsWith("HS") ? "RS256" : method);
        await withAuth(`jwt,sign-method=${method},pub-key=${keys.pub},priv-key=${keys.priv}`, async (etcd) => {
          const token = await signIn(etcd, "alice");
          assert.deepEqual(JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()), { alg: method, typ: "JWT" });
          assert.equal(await putA(etcd, token), "ok");
          assert.equal(await outcome(etcd.kv.put(put({ key: "b", value: "1" }), as(token))), "PERMISSION_DENIED etcdserver: permission denied");
        });
      });
    }

    it("say whose they are, until when, and at which revision of users; none other is taken", async () => {
      const keys = jwtKeys("RS256");
      await withAuth(`jwt,sign-method=RS256,pub-key=${keys.pub},priv-key=${keys.priv},ttl=1h`, async (etcd) => {
        const token = await signIn(etcd, "alice");
        const [head = "", body = "", signature = ""] = token.split(".");
        const { exp, ...claims } = JSON.parse(Buffer.from(body, "base64url").toString()) as { exp: number; revision: number };
        assert.deepEqual(claims, { revision: 7, username: "alice" });
        assert.ok(Math.abs(exp * 1000 - wallClock().nowMs() - 3_600_000) < 60_000);
        assert.equal(await putA(etcd, token, "authorization"), "ok");

        const invalid = "UNAUTHENTICATED etcdserver: invalid auth token";
        assert.equal(await putA(etcd, keys.maker(60_000).assign("alice", 0n, 7n)), "ok");
        assert.equal(await putA(etcd, keys.maker(-1_000).assign("alice", 0n, 7n)), invalid);
        assert.equal(await putA(etcd, jwtKeys("RS384").maker(60_000).assign("alice", 0n, 7n)), invalid);
        const root = Buffer.from(JSON.stringify({ exp, revision: 7, username: "root" })).toString("base64url");
        const none = Buffer.from(JSON.stringify({ alg: "none", typ: "JWT" })).toString("base64url");
        for (const forged of [`${head}.${root}.${signature}`, `${none}.${root}.`, `${head}.${body}`, "x", `${"a".repeat(16)}.1`]) assert.equal(await putA(etcd, forged), invalid, forged);
        assert.equal(await outcome(etcd.kv.put(put({ key: "a", value: "1" }))), "INVALID_ARGUMENT etcdserver: user name is empty");
      });
    });

    it("are old after a change of users or roles", async () => {
      const keys = jwtKeys("ES384");
      await withAuth(`jwt,sign-method=ES384,pub-key=${keys.pub},priv-key=${keys.priv}`, async (etcd) => {
        const [alice, root] = [await signIn(etcd, "alice"), await signIn(etcd, "root")];
        await etcd.auth.roleAdd({ name: "another" }, as(root));
        assert.equal(await putA(etcd, alice), "INVALID_ARGUMENT etcdserver: revision of auth store is old");
        assert.equal(await putA(etcd, await signIn(etcd, "alice")), "ok");
      });
    });

    it("are known, but not given, by who has the public key alone", async () => {
      const keys = jwtKeys("RS256");
      await withAuth(`jwt,sign-method=RS256,pub-key=${keys.pub}`, async (etcd) => {
        assert.equal(await putA(etcd, keys.maker(60_000).assign("alice", 0n, 7n)), "ok");
        assert.equal(await outcome(signIn(etcd, "alice")), "UNKNOWN auth: token signing attempted with verify-only key");
      });
    });
  });
}
