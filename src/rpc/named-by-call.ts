import { isIP } from "node:net";
import { RpcCode, type RpcError } from "../base/rpc-error.js";
import { MethodFault } from "../gen/spheresim/vim/v1/fault.js";
import type { Call } from "./call.js";
import { faultStatus } from "./method-fault.js";

/** The metadata key that names a host or an instance where a client cannot set `:authority`. */
export const HOST_METADATA = "spheresim-host";

/** What a refusal calls the field at fault. */
const AUTHORITY = ":authority";

/** How many names a refusal lists. */
const MAX_LISTED = 20;

/**
 * Which of the things behind one port a call means: by `:authority`, else by metadata `spheresim-host`; where there is one thing only,
 * calls that name none mean it. An authority without a meaning here (an IP address, `localhost`, the name of a proxy) names none, but a
 * sibling's name (same domain, other first label) is never taken for this one: the caller has an old address.
 *
 * Worked example, hosts esxi-01.a.test and esxi-02.a.test: `:authority` esxi-02.a.test is the second; 127.0.0.1 with metadata
 * `spheresim-host: esxi-01.a.test` the first; 127.0.0.1 alone is INVALID_ARGUMENT.
 *
 * @param kind what the names are of, for the refusal: `host`, `CRX instance`
 */
export function namedByCall<T>(call: Call, kind: string, named: ReadonlyMap<string, T>): T {
  const authority = call.authority.toLowerCase();
  const header = call.header(HOST_METADATA)?.toLowerCase() ?? "";
  const found = named.get(authority);
  if (found !== undefined) return found;
  if (header !== "") {
    const byHeader = named.get(header);
    if (byHeader !== undefined) return byHeader;
    throw refusal(`no ${kind} "${header}" behind this port`, kind, named);
  }
  const [only] = named;
  if (only !== undefined && named.size === 1 && !isSibling(authority, only[0])) return only[1];
  throw refusal(namesNothing(authority) ? `the call names no ${kind}` : `no ${kind} "${authority}" behind this port`, kind, named);
}

function namesNothing(authority: string): boolean {
  return authority === "" || authority === "localhost" || isIP(authority.replace(/^\[|\]$/g, "")) !== 0;
}

function isSibling(authority: string, name: string): boolean {
  const domain = name.indexOf(".");
  return domain > 0 && authority !== name && authority.endsWith(name.slice(domain));
}

function refusal(what: string, kind: string, named: ReadonlyMap<string, unknown>): RpcError {
  const names = [...named.keys()];
  const listed = names.slice(0, MAX_LISTED).join(", ") + (names.length > MAX_LISTED ? `, and ${names.length - MAX_LISTED} more` : "");
  const message = `${what}; set :authority (the host of the call) or metadata "${HOST_METADATA}" to one of: ${listed === "" ? "(none)" : listed}`;
  const fault = MethodFault.create({ localizedMessage: message, fault: { $case: "invalidArgument", value: { invalidProperty: AUTHORITY } } });
  return faultStatus({ room: "rpc", code: RpcCode.INVALID_ARGUMENT, message, fault, violations: [{ field: AUTHORITY, description: `must name a ${kind}` }] });
}
