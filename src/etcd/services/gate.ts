import type { Identity } from "../auth/auth-state.js";
import type { AuthStore } from "../auth/auth-store.js";
import { etcdError } from "../errors.js";

/** The part of a call that says who calls. */
export interface Caller {
  header(name: string): string | undefined;
  /** Common name of the client certificate that the connection was opened with and that was verified. */
  readonly peerCommonName?: string | undefined;
}

/** Finds out who calls and whether that is enough. */
export class Gate {
  readonly #auth: AuthStore;
  readonly #clientCertAuth: boolean;

  /** `clientCertAuth`: a client certificate names its user (etcd --client-cert-auth). */
  constructor(auth: AuthStore, clientCertAuth: boolean) {
    this.#auth = auth;
    this.#clientCertAuth = clientCertAuth;
  }

  /** Who calls, by token or else by certificate; undefined while authentication is off or if the call does not say. */
  identify(call: Caller): Identity | undefined {
    const { enabled, revision } = this.#auth.state;
    if (!enabled) return undefined;
    const token = call.header("token") ?? call.header("authorization");
    if (token !== undefined) return this.#auth.holderOf(token.replace(/^Bearer /, ""));
    if (!this.#clientCertAuth || call.peerCommonName === undefined) return undefined;
    // A JSON gateway shows its own certificate, not that of its client.
    return call.header("grpcgateway-accept") === undefined ? { user: call.peerCommonName, authRevision: revision } : undefined;
  }

  /** Who calls; throws where that must be known and is not. */
  requireIdentity(call: Caller): Identity | undefined {
    const who = this.identify(call);
    if (who === undefined && this.#auth.state.enabled) throw etcdError("userEmpty");
    return who;
  }

  /** Throws unless the caller has the role root. */
  requireAdmin(call: Caller): void {
    this.#auth.state.requireAdmin(this.identify(call));
  }
}
