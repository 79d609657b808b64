import { isIP } from "node:net";
import type { Personality } from "../gen/spheresim/hostd/v1/host.js";
import { invalidArgument } from "./host-fault.js";

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/** Refuses a personality no CRX instance could take. */
export function requireValidPersonality(personality: Personality | undefined): Personality {
  if (personality === undefined) throw invalidArgument("personality", "is required");
  if (personality.podUid === "") throw invalidArgument("personality.pod_uid", "must not be empty");
  if (personality.name === "") throw invalidArgument("personality.name", "must not be empty");
  personality.networkInterfaces.forEach((card, index) => {
    const field = `personality.network_interfaces[${index}]`;
    if (card.mac !== "" && !MAC.test(card.mac)) throw invalidArgument(`${field}.mac`, "must be six bytes in lower-case hexadecimal with colons");
    const version = isIP(card.ip);
    if (version === 0) throw invalidArgument(`${field}.ip`, "must be an IP address");
    if (card.prefixLength < 0 || card.prefixLength > (version === 4 ? 32 : 128)) throw invalidArgument(`${field}.prefix_length`, `must be 0 to ${version === 4 ? 32 : 128}`);
    if (card.gateway !== "" && isIP(card.gateway) === 0) throw invalidArgument(`${field}.gateway`, "must be an IP address");
  });
  personality.disks.forEach((disk, index) => {
    if (disk.uuid === "") throw invalidArgument(`personality.disks[${index}].uuid`, "must not be empty");
  });
  return personality;
}
