import type { Server } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";

/** grpc.health.v1 of one server. The service name "" stands for the server as a whole. */
export interface Health {
  /** Reports the server and all its services as serving or not. */
  set(serving: boolean): void;
}

/** Adds grpc.health.v1.Health; `serving` is what the server and every service say at first. */
export function addHealth(server: Server, services: readonly string[], serving: boolean): Health {
  const names = ["", ...services];
  const status = (serves: boolean) => (serves ? "SERVING" : "NOT_SERVING");
  const health = new HealthImplementation(Object.fromEntries(names.map((name) => [name, status(serving)])));
  health.addToServer(server);
  return {
    set: (serves) => {
      for (const name of names) health.setStatus(name, status(serves));
    },
  };
}
