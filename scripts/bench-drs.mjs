// What DRS takes for clusters of growing size: brings the build up to date and hands over to the compiled one.
import { build } from "./build.mjs";

build();
await import("../dist/test/bench/drs/main.js");
