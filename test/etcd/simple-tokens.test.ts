import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { SimpleTokens, DEFAULT_TOKEN_TTL_MS } from "../../src/etcd/auth/simple-tokens.js";

describe("simple tokens", () => {
  it("end when nobody uses them for 300 s", async () => {
    const clock = new ManualClock();
    const tokens = new SimpleTokens(clock, DEFAULT_TOKEN_TTL_MS);
    const [used, unused] = [tokens.assign("alice", 5n), tokens.assign("bob", 6n)];
    assert.match(used, /^[a-zA-Z]{16}\.5$/);
    await clock.advance(DEFAULT_TOKEN_TTL_MS - 1);
    assert.equal(tokens.use(used)?.user, "alice");
    await clock.advance(2);
    assert.equal(tokens.use(unused)?.user, undefined);
    assert.equal(tokens.use(used)?.user, "alice");
    await clock.advance(DEFAULT_TOKEN_TTL_MS);
    assert.equal(tokens.use(used)?.user, "alice");
    // Once the last is gone there is nothing to wake for.
    await clock.advance(2 * DEFAULT_TOKEN_TTL_MS);
    assert.deepEqual([tokens.use(used)?.user, clock.waiting], [undefined, 0]);
  });

  it("end with their user, or all together", () => {
    const clock = new ManualClock();
    const tokens = new SimpleTokens(clock, DEFAULT_TOKEN_TTL_MS);
    const [first, second, other] = [tokens.assign("alice", 1n), tokens.assign("alice", 1n), tokens.assign("bob", 1n)];
    assert.notEqual(first, second);
    tokens.endUser("alice");
    assert.deepEqual([first, second, other].map((token) => tokens.use(token)?.user), [undefined, undefined, "bob"]);
    tokens.endAll();
    assert.deepEqual([tokens.use(other)?.user, tokens.use("none")?.user, clock.waiting], [undefined, undefined, 0]);
  });
});
