import { monotonicClock } from "../base/clock.js";
import { type HostCertificates, kubeletName, nodeName, required } from "./credentials.js";
import { inTurn } from "./data-directory.js";

/**
 * The certificates of the hosts of a process. Those of the inventory's hosts are made before anything starts; those of a host that is added to a
 * running emulator when its Spherelet asks for them. Processes on the same directory make them one after the other, so that a key and a
 * certificate always belong together.
 */
export class HostCertificateStore {
  readonly #dataDir: string;
  readonly #madeAtStart: ReadonlySet<string>;
  /** Under way, by host: both certificates of a host are made in one turn. */
  readonly #underWay = new Map<string, Promise<HostCertificates>>();

  /** @param madeAtStart hosts whose certificates lie in the directory already */
  constructor(dataDir: string, madeAtStart: readonly string[]) {
    this.#dataDir = dataDir;
    this.#madeAtStart = new Set(madeAtStart);
  }

  /** The certificates of a host; made where they are missing, or end soon. */
  of(host: string): Promise<HostCertificates> {
    if (this.#madeAtStart.has(host)) return Promise.resolve({ node: required(this.#dataDir, nodeName(host)), kubelet: required(this.#dataDir, kubeletName(host)) });
    let making = this.#underWay.get(host);
    if (making === undefined) {
      making = this.#make(host).finally(() => this.#underWay.delete(host));
      this.#underWay.set(host, making);
    }
    return making;
  }

  async #make(host: string): Promise<HostCertificates> {
    // Loaded only now: most processes never make a certificate.
    const { makeHostCertificates } = await import("./credential-maker.js");
    return inTurn(this.#dataDir, monotonicClock(), () => makeHostCertificates(this.#dataDir, host));
  }
}
