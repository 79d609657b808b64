import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { ManualClock, monotonicClock } from "../../src/base/clock.js";
import { PasswordHasher } from "../../src/etcd/auth/password-hasher.js";
import { eventually } from "../support/eventually.js";
import { outcome } from "./signed-in.js";

const HASH_OF_KNOWN = Buffer.from("$2a$04$qnhDsaSRiVnTsF28PrVMDedDlBRBFmoY2.Ex8rMgwx4R8vqAhE6bO");

describe("the password hasher", () => {
  const hasher = new PasswordHasher(monotonicClock());
  after(() => hasher.close());

  it("makes hashes of cost 10 that fit their password alone", async () => {
    const hash = await hasher.hash("pässword");
    assert.match(hash.toString(), /^\$2a\$10\$[./A-Za-z0-9]{53}$/);
    assert.deepEqual(await Promise.all(["pässword", "password", ""].map((password) => hasher.fits(password, hash))), [true, false, false]);
  });

  it("takes hashes of others, and finds that nothing fits what is none", async () => {
    assert.equal(await hasher.fits("known", HASH_OF_KNOWN), true);
    for (const hash of ["", "known", "$2a$04$short"]) assert.equal(await hasher.fits("known", Buffer.from(hash)), false);
  });

  it("gives up a hash that takes too long, and goes on with the next", async () => {
    const clock = new ManualClock();
    const limited = new PasswordHasher(clock);
    // 2^31 rounds: about four months.
    const endless = outcome(limited.fits("known", Buffer.from(HASH_OF_KNOWN.toString().replace("$04$", "$31$"))));
    const next = limited.fits("known", HASH_OF_KNOWN);
    await clock.advance(10_000);
    assert.equal(await endless, "UNAVAILABLE etcdserver: request timed out");
    assert.equal(await next, true);
    await limited.close();
  });

  it("tells those who wait that the server stops", async () => {
    const clock = new ManualClock();
    const stopping = new PasswordHasher(clock);
    const waiting = [1, 2].map(() => outcome(stopping.hash("x")));
    await eventually("the first has begun", () => clock.waiting === 1);
    await stopping.close();
    const stopped = "UNAVAILABLE etcdserver: server stopped";
    assert.deepEqual(await Promise.all([...waiting, outcome(stopping.hash("x"))]), [stopped, stopped, stopped]);
  });
});
