// How well first fit, LeastAllocated and DRS place: brings the build up to date and hands over to the compiled one.
import { build } from "./build.mjs";

build();
await import("../dist/test/bench/placement-quality/main.js");
