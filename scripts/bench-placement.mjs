// How long DRS takes over a placement: brings the build up to date and hands over to the compiled one.
import { build } from "./build.mjs";

build();
await import("../dist/test/bench/placement-speed/main.js");
