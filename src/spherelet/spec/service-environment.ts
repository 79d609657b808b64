import type { Service } from "../../kubernetes/cluster-objects.js";

/**
 * The variables by which a container finds the services of its namespace (core/v1 `enableServiceLinks`), in the Docker links style.
 *
 * Example: Service `redis`, 10.96.0.9, port 6379: REDIS_SERVICE_HOST=10.96.0.9, REDIS_SERVICE_PORT=6379, REDIS_PORT=tcp://10.96.0.9:6379,
 * REDIS_PORT_6379_TCP, REDIS_PORT_6379_TCP_PROTO, REDIS_PORT_6379_TCP_PORT, REDIS_PORT_6379_TCP_ADDR.
 */
export function serviceEnvironment(services: readonly Service[], namespace: string, links: boolean): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const service of services) {
    const { name } = service.metadata;
    // The API server's own service is there whatever the pod says.
    const isMaster = service.metadata.namespace === "default" && name === "kubernetes";
    if (!isMaster && (!links || service.metadata.namespace !== namespace)) continue;
    const host = service.spec?.clusterIP;
    if (host === undefined || host === "" || host === "None") continue;
    const prefix = variableName(name);
    variables.set(`${prefix}_SERVICE_HOST`, host);
    (service.spec?.ports ?? []).forEach((port, index) => {
      const protocol = port.protocol ?? "TCP";
      const url = `${protocol.toLowerCase()}://${host}:${port.port}`;
      if (index === 0) {
        variables.set(`${prefix}_SERVICE_PORT`, String(port.port));
        variables.set(`${prefix}_PORT`, url);
      }
      if (port.name !== undefined && port.name !== "") variables.set(`${prefix}_SERVICE_PORT_${variableName(port.name)}`, String(port.port));
      const portPrefix = `${prefix}_PORT_${port.port}_${protocol.toUpperCase()}`;
      variables.set(portPrefix, url);
      variables.set(`${portPrefix}_PROTO`, protocol.toLowerCase());
      variables.set(`${portPrefix}_PORT`, String(port.port));
      variables.set(`${portPrefix}_ADDR`, host);
    });
  }
  return variables;
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll("-", "_");
}
