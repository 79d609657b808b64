#!/usr/bin/env node
// The command: brings the build up to date (saying so) and hands over to the compiled command line.
import { requireNode } from "./require-node.mjs";

requireNode();
// Not imported above: an old Node would stumble over their syntax before it could be told that it is old.
void import("./build.mjs").then(function ({ build }) {
  build();
  return import("../dist/src/cli/main.js");
});
