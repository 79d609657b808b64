import type { ApiClient } from "../../kubernetes/api-client.js";
import { transportError } from "../../kubernetes/status.js";
import type { ConfigSource } from "../spec/config-source.js";

/** What a Spherelet asks of the API server. */
export type NodeApi = Pick<ApiClient, "create" | "delete" | "get" | "list" | "patch">;

/**
 * The network cable of a host, as its Spherelet feels it: while it is out no call gets to the API server, and the answer of one that was under
 * way is lost. HostD and agents are on the host itself.
 */
export class NetworkCable {
  #pluggedIn: boolean;
  #pulls = 0;

  constructor(pluggedIn: boolean) {
    this.#pluggedIn = pluggedIn;
  }

  get pluggedIn(): boolean {
    return this.#pluggedIn;
  }

  plugIn(): void {
    this.#pluggedIn = true;
  }

  pull(): void {
    this.#pluggedIn = false;
    this.#pulls += 1;
  }

  /** The API server at the other end. */
  api(client: NodeApi): NodeApi {
    return {
      create: (type, draft, options) => this.#through(() => client.create(type, draft, options)),
      delete: (type, name, options) => this.#through(() => client.delete(type, name, options)),
      get: (type, name, options) => this.#through(() => client.get(type, name, options)),
      list: (type, options) => this.#through(() => client.list(type, options)),
      patch: (type, name, patch, options) => this.#through(() => client.patch(type, name, patch, options)),
    };
  }

  /** What pods' specs refer to, at the other end. */
  config(source: ConfigSource): ConfigSource {
    return {
      configMap: (namespace, name) => this.#through(() => source.configMap(namespace, name)),
      secret: (namespace, name) => this.#through(() => source.secret(namespace, name)),
      services: (namespace) => source.services(namespace),
    };
  }

  async #through<T>(call: () => Promise<T>): Promise<T> {
    if (!this.#pluggedIn) throw transportError("the host's network cable is unplugged");
    const pulls = this.#pulls;
    const answer = await call();
    if (pulls !== this.#pulls) throw transportError("the host's network cable was unplugged before the answer came");
    return answer;
  }
}
