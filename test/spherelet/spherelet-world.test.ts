import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../support/eventually.js";
import { withSpherelets } from "./spherelet-world.js";

test("a test that fails while calls are held up fails with its own words, and its world is taken down", async () => {
  const why = new Error("not as expected");
  let held = 0;
  await assert.rejects(
    withSpherelets(async (world) => {
      world.agents.intercept = () => {
        held += 1;
        return new Promise<void>(() => undefined);
      };
      await world.configure(await world.createPod("held"));
      await eventually("the start is held up", () => held > 0);
      throw why;
    }),
    why,
  );
});
