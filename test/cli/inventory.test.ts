import assert from "node:assert/strict";
import { test } from "node:test";
import { lines } from "../../src/cli/inventory.js";

test("the last branch is drawn as the last, and nothing stands below it", () => {
  const leaf = (text: string) => ({ text, below: [] });
  assert.deepEqual(lines([{ text: "a", below: [leaf("b")] }, { text: "c", below: [leaf("d"), leaf("e")] }]), ["├─ a", "│  └─ b", "└─ c", "   ├─ d", "   └─ e"]);
});
