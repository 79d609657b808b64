import { describe } from "node:test";
import type { ServerUnderTest } from "../support/real-etcd.js";
import { type AuthTraits, AuthUnderTest } from "./auth-under-test.js";
import { served } from "./served.js";
import { services } from "./signed-in.js";
import { permissionCases } from "./wire-contract-permissions.js";
import { rootCases } from "./wire-contract-root.js";
import { enableCases, endCases, tokenCases } from "./wire-contract-sign-in.js";
import { userCases } from "./wire-contract-users.js";

/** Users, roles, tokens and what they are good for. The cases build on each other: authentication is off at first, then on. */
export function authContract(name: string, skip: string | false, start: () => Promise<ServerUnderTest>, traits: AuthTraits): void {
  describe(`etcd auth contract: ${name}`, { skip }, () => {
    const auth = new AuthUnderTest(traits);
    served(start, services, (connection) => void (auth.etcd = connection));

    describe("while authentication is off", () => {
      userCases(auth);
      enableCases(auth);
    });

    describe("while it is on", () => {
      tokenCases(auth);
      permissionCases(auth);
      rootCases(auth);
      endCases(auth);
    });
  });
}
