import { isIPv4, isIPv6 } from "node:net";
import type { StatusCause } from "../errors.js";
import type { ApiObject } from "../object.js";
import { validatePortNumber } from "./container.js";
import { duplicateValue, invalidValue, oneOf, required } from "./field-path.js";
import type { Json } from "./json.js";
import { validateLabels } from "./metadata.js";
import { labelComplaints, portNameComplaints, subdomainComplaints } from "./names.js";

function validatePorts(spec: Json): StatusCause[] {
  const ports = (spec.ports ?? []) as Json[];
  const causes: StatusCause[] = [];
  if (ports.length === 0 && spec.type !== "ExternalName" && spec.clusterIP !== "None") causes.push(required("spec.ports"));
  const names = new Set<string>();
  const pairs = new Set<string>();
  ports.forEach((port, index) => {
    const at = `spec.ports[${index}]`;
    if (!port.name) {
      if (ports.length > 1) causes.push(required(`${at}.name`));
    } else {
      causes.push(...labelComplaints(port.name).map((complaint) => invalidValue(`${at}.name`, port.name, complaint)));
      if (names.has(port.name)) causes.push(duplicateValue(`${at}.name`, port.name));
      names.add(port.name);
    }
    causes.push(...validatePortNumber(port.port, `${at}.port`), ...oneOf(`${at}.protocol`, port.protocol, ["SCTP", "TCP", "UDP"]));
    if (typeof port.targetPort === "string") causes.push(...portNameComplaints(port.targetPort).map((complaint) => invalidValue(`${at}.targetPort`, port.targetPort, complaint)));
    else causes.push(...validatePortNumber(port.targetPort, `${at}.targetPort`));
    const pair = `${port.protocol}/${port.port}`;
    if (pairs.has(pair)) causes.push(duplicateValue(at, { protocol: port.protocol, port: String(port.port) }));
    pairs.add(pair);
  });
  return causes;
}

export function validateService(service: ApiObject): StatusCause[] {
  const spec = service["spec"];
  const causes = validatePorts(spec);
  causes.push(...oneOf("spec.type", spec.type, ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]), ...oneOf("spec.sessionAffinity", spec.sessionAffinity, ["ClientIP", "None"]));
  causes.push(...validateLabels(spec.selector, "spec.selector"));
  if (spec.clusterIP && spec.clusterIP !== "None" && !isIPv4(spec.clusterIP) && !isIPv6(spec.clusterIP)) {
    causes.push(invalidValue("spec.clusterIPs[0]", spec.clusterIP, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
  }
  if (spec.type === "ExternalName") {
    if (!spec.externalName) causes.push(required("spec.externalName"));
    else causes.push(...subdomainComplaints(spec.externalName.replace(/\.$/, "")).map((complaint) => invalidValue("spec.externalName", spec.externalName, complaint)));
  }
  return causes;
}

export function validateServiceUpdate(service: ApiObject, old: ApiObject): StatusCause[] {
  const causes = validateService(service);
  const before = old["spec"];
  const now = service["spec"];
  if (before.type !== "ExternalName" && now.type !== "ExternalName" && before.clusterIP && now.clusterIP !== before.clusterIP) {
    causes.push(invalidValue("spec.clusterIPs[0]", [now.clusterIP ?? ""], "may not change once set"));
  }
  return causes;
}
