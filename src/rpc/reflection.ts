import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Server } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer, type PackageDefinition } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";

/** What `buf build` wrote: every contract with its comments. */
const IMAGE = join("src", "gen", "image.binpb");

let contracts: PackageDefinition | undefined;

/** Adds server reflection (v1 and v1alpha) over the contracts in `proto/`, listing `services`. */
export function addReflection(server: Server, services: readonly string[]): void {
  contracts ??= loadFileDescriptorSetFromBuffer(readFileSync(findImage()));
  new ReflectionService(contracts, { services: [...services, "grpc.health.v1.Health"] }).addToServer(server);
}

/** The image lies in the sources, whether this runs from them or from dist. */
function findImage(): string {
  for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
    const image = join(directory, IMAGE);
    if (existsSync(image)) return image;
    if (dirname(directory) === directory) throw new Error(`${IMAGE} is missing; run: npm run build`);
  }
}
