/** One ESXi host as its Spherelet sees it; the part of the inventory that makes a Node. */
export interface Host {
  /** FQDN; also the name of its Node and the `:authority` of its HostD and Spherelet. */
  readonly name: string;
  /** Physical cores. */
  readonly cores: number;
  /** Physical memory, MB. */
  readonly memoryMb: number;
  /** Labels of its Node beyond the usual ones: zone, region ... */
  readonly labels: Readonly<Record<string, string>>;
  /** Addresses of its pods where nobody else gives them out, `10.245.0.0/24`. */
  readonly podCidr: string;
  /** Where its kubelet API answers; `hostIP` of its pods. */
  readonly address: string;
}

/** What the one who starts Spherelets says about a host. */
export interface HostOptions {
  readonly name: string;
  /** Physical cores. */
  readonly cores: number;
  /** Physical memory, MB. */
  readonly memoryMb: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** `10.245.<n>.0/24` for the n-th host when absent. */
  readonly podCidr?: string;
}

/** The hosts of a process by name. Node names are FQDNs in lower case. */
export function readHosts(options: readonly HostOptions[], address: string): ReadonlyMap<string, Host> {
  const hosts = new Map<string, Host>();
  options.forEach((each, index) => {
    const name = each.name.toLowerCase();
    if (hosts.has(name)) throw new Error(`host ${name} stands twice`);
    hosts.set(name, {
      name,
      cores: each.cores,
      memoryMb: each.memoryMb,
      labels: each.labels ?? {},
      podCidr: each.podCidr ?? defaultPodCidr(index),
      address,
    });
  });
  return hosts;
}

/** Example: host 0 has 10.245.0.0/24, host 255 10.245.255.0/24, host 256 10.246.0.0/24. The network stand-in uses 10.244.0.0/16. */
function defaultPodCidr(index: number): string {
  return `10.${245 + Math.floor(index / 256)}.${index % 256}.0/24`;
}
