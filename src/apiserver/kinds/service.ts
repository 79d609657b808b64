import { formatLabelSelector, requirementsOf } from "../../kubernetes/label-selector.js";
import type { ApiObject } from "../object.js";
import { label1035Complaints, ofPrefix } from "../validation/names.js";
import { validateService, validateServiceUpdate } from "../validation/service.js";
import type { Kind, WriteContext } from "./kind.js";
import { age, AGE_COLUMN, column, NAME_COLUMN, wideColumn } from "./object-columns.js";

const SERVICES = { group: "", resource: "services" };
/** 10.96.0.0/16 as upstream's installers have it; .0.1 is default/kubernetes. */
const ADDRESS_BASE = "10.96";
const ADDRESS_COUNT = 65_534;
const NODE_PORT_FIRST = 30_000;
const NODE_PORT_LAST = 32_767;

function takenAddresses(context: WriteContext): Set<string> {
  return new Set([...context.lookup.all(SERVICES)].map((service) => service["spec"]?.clusterIP).filter((address) => address !== undefined));
}

function freeAddress(context: WriteContext): string {
  const taken = takenAddresses(context);
  for (let number = 1; number <= ADDRESS_COUNT; number++) {
    const address = `${ADDRESS_BASE}.${number >> 8}.${number & 255}`;
    if (number > 1 && !taken.has(address)) return address;
  }
  throw new Error("no cluster IP is free");
}

function freeNodePort(context: WriteContext, own: ReadonlySet<number>): number {
  const taken = new Set<number>(own);
  for (const service of context.lookup.all(SERVICES)) for (const port of service["spec"]?.ports ?? []) if (port.nodePort) taken.add(port.nodePort);
  for (let port = NODE_PORT_FIRST; port <= NODE_PORT_LAST; port++) if (!taken.has(port)) return port;
  throw new Error("no node port is free");
}

function setDefaults(service: ApiObject): void {
  const spec = (service["spec"] ??= {});
  spec.sessionAffinity = spec.sessionAffinity || "None";
  spec.type = spec.type || "ClusterIP";
  for (const port of spec.ports ?? []) {
    port.protocol = port.protocol || "TCP";
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === "") port.targetPort = port.port;
  }
  if (spec.type !== "ExternalName") spec.internalTrafficPolicy ??= "Cluster";
  if (spec.type === "NodePort" || spec.type === "LoadBalancer") spec.externalTrafficPolicy = spec.externalTrafficPolicy || "Cluster";
  if (spec.type === "LoadBalancer") spec.allocateLoadBalancerNodePorts ??= true;
  if (spec.sessionAffinity === "ClientIP") spec.sessionAffinityConfig ??= { clientIP: { timeoutSeconds: 10_800 } };
}

function allocate(service: ApiObject, context: WriteContext): void {
  const spec = service["spec"];
  if (spec.type === "ExternalName") return;
  spec.ipFamilyPolicy ??= "SingleStack";
  spec.ipFamilies ??= ["IPv4"];
  if (!spec.clusterIP) spec.clusterIP = spec.clusterIPs?.[0] || freeAddress(context);
  spec.clusterIPs ??= [spec.clusterIP];
  if (spec.type === "ClusterIP" || spec.clusterIP === "None") return;
  const own = new Set<number>();
  for (const port of spec.ports ?? []) {
    port.nodePort = port.nodePort || freeNodePort(context, own);
    own.add(port.nodePort);
  }
}

function portsText(service: ApiObject): string {
  const ports = (service["spec"]?.ports ?? []) as { port: number; nodePort?: number; protocol?: string }[];
  if (ports.length === 0) return "<none>";
  return ports.map((port) => (port.nodePort ? `${port.port}:${port.nodePort}/${port.protocol}` : `${port.port}/${port.protocol}`)).join(",");
}

function externalText(service: ApiObject): string {
  const { type, externalIPs = [], externalName = "" } = service["spec"] ?? {};
  const ingress = ((service["status"]?.loadBalancer?.ingress ?? []) as { ip?: string; hostname?: string }[]).map((row) => row.ip || row.hostname || "");
  if (type === "ExternalName") return externalName;
  const all = [...(type === "LoadBalancer" ? ingress : []), ...externalIPs];
  if (all.length > 0) return all.join(",");
  return type === "LoadBalancer" ? "<pending>" : "<none>";
}

/** `v1 Service`. */
export const serviceKind: Kind = {
  group: "",
  version: "v1",
  resource: "services",
  singular: "service",
  kind: "Service",
  namespaced: true,
  shortNames: ["svc"],
  categories: ["all"],
  prefix: "/registry/services/specs/",
  struct: "core.Service",
  hasStatus: true,
  subresources: [],
  nameComplaints: ofPrefix(label1035Complaints),
  fields: { "spec.clusterIP": (service) => service["spec"]?.clusterIP ?? "", "spec.type": (service) => service["spec"]?.type ?? "" },
  columns: [
    NAME_COLUMN,
    column("Type", "string", "How the service is reached."),
    column("Cluster-IP", "string", "The address of the service inside the cluster."),
    column("External-IP", "string", "Addresses of the service outside the cluster."),
    column("Port(s)", "string", "The ports the service exposes."),
    AGE_COLUMN,
    wideColumn("Selector", "string", "Which pods get the traffic."),
  ],
  cells: (service, nowMs) => [
    service.metadata.name,
    service["spec"]?.type ?? "",
    service["spec"]?.clusterIP || "<none>",
    externalText(service),
    portsText(service),
    age(service.metadata.creationTimestamp, nowMs),
    formatLabelSelector(requirementsOf({ matchLabels: service["spec"]?.selector ?? {} })) || "<none>",
  ],
  setDefaults,
  prepareCreate(service, context) {
    allocate(service, context);
    service["status"] = { loadBalancer: {} };
  },
  prepareUpdate(service, old) {
    const spec = service["spec"];
    if (spec.type === "ExternalName") return;
    for (const field of ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"]) if (spec[field] === undefined && old["spec"]?.[field] !== undefined) spec[field] = old["spec"][field];
  },
  validate: validateService,
  validateUpdate: validateServiceUpdate,
};
