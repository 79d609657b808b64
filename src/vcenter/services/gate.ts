import { RpcError } from "../../base/rpc-error.js";
import type { AnyHandler, ServedService } from "../../rpc/service.js";

/** The services of a room that is open, by the full name of the service. */
export type OpenServices = ReadonlyMap<ServedService["definition"], ServedService>;

/**
 * A service that listens before the room is open: until `open` gives its handlers, every call gets UNAVAILABLE, which clients take as
 * a reason to try again.
 */
export function gated(definition: ServedService["definition"], open: () => OpenServices | undefined): ServedService {
  const handlers: Record<string, AnyHandler> = {};
  for (const [name, method] of Object.entries(definition)) {
    handlers[name] = (...parameters: never[]): unknown => {
      const services = open();
      if (services === undefined) throw RpcError.unavailable("vCenter is reading its records from etcd; try again");
      const handler = services.get(definition)?.handlers[name];
      if (handler === undefined) throw RpcError.unimplemented(`method ${method.path} of vcenter`);
      return handler(...parameters);
    };
  }
  return { definition, handlers };
}
