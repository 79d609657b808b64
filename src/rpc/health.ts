import type { Server } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";

/** grpc.health.v1 of one server. The service name "" stands for the server as a whole. */
export interface Health {
  /** Reports a service (or, by "", the server) as serving or not. */
  set(service: string, serving: boolean): void;
  /** Reports everything as not serving. */
  close(): void;
}

/** Adds grpc.health.v1.Health; every service starts as serving. */
export function addHealth(server: Server, services: readonly string[]): Health {
  const names = ["", ...services];
  const health = new HealthImplementation(Object.fromEntries(names.map((name) => [name, "SERVING" as const])));
  health.addToServer(server);
  return {
    set: (service, serving) => health.setStatus(service, serving ? "SERVING" : "NOT_SERVING"),
    close: () => {
      for (const name of names) health.setStatus(name, "NOT_SERVING");
    },
  };
}
