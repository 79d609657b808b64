#!/usr/bin/env node
// The command: brings the build up to date (saying so) and hands over to the compiled command line.
import { build } from "./build.mjs";

build();
await import("../dist/src/cli/main.js");
