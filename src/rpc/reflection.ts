import type { Server, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer, loadSync, type PackageDefinition } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { protoPath as healthProto } from "grpc-health-check";
import { readContractsImage } from "./contracts-image.js";

/** A service as @grpc/reflection hands it to a server. */
interface Registration {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

let contracts: PackageDefinition | undefined;
let definitions: readonly ServiceDefinition[] | undefined;

/**
 * Adds server reflection (v1 and v1alpha) over the contracts in `proto/`, listing `services`.
 *
 * Indexing all contracts takes a tenth of a second, so a server does it when it is first asked and not at its start.
 */
export function addReflection(server: Server, services: readonly string[]): void {
  definitions ??= registrations(new ReflectionService({})).map((registration) => registration.definition);
  let indexed: readonly Registration[] | undefined;
  for (const [version, definition] of definitions.entries()) {
    server.addService(definition, {
      ServerReflectionInfo: (stream: unknown) => {
        contracts ??= { ...loadFileDescriptorSetFromBuffer(readContractsImage()), ...loadSync(healthProto) };
        indexed ??= registrations(new ReflectionService(contracts, { services: [...services, "grpc.health.v1.Health"] }));
        const handler = indexed[version]?.implementation["ServerReflectionInfo"] as (stream: unknown) => void;
        handler(stream);
      },
    });
  }
}

/** What the library would add to a server. */
function registrations(reflection: ReflectionService): Registration[] {
  const found: Registration[] = [];
  const recorder = { addService: (definition: ServiceDefinition, implementation: UntypedServiceImplementation) => void found.push({ definition, implementation }) };
  reflection.addToServer(recorder);
  return found;
}
