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
  /** `10.245.<n>.0/24` for the host with number n when absent. */
  readonly podCidr?: string;
}

/** The hosts of a process by name, each with its number. Node names are FQDNs in lower case. */
export function readHosts(options: readonly HostOptions[], address: string): ReadonlyMap<string, Host> {
  const hosts = new Map<string, Host>();
  options.forEach((each, index) => {
    const host = hostOf(each, index, address);
    if (hosts.has(host.name)) throw new Error(`host ${host.name} stands twice`);
    hosts.set(host.name, host);
  });
  return hosts;
}

/** The `number`-th host of a process. */
export function hostOf({ name, cores, memoryMb, labels = {}, podCidr }: HostOptions, number: number, address: string): Host {
  return { name: name.toLowerCase(), cores, memoryMb, labels, podCidr: podCidr ?? defaultPodCidr(number), address };
}

/** Example: host 0 has 10.245.0.0/24, host 255 10.245.255.0/24, host 256 10.246.0.0/24. The network stand-in uses 10.244.0.0/16. */
function defaultPodCidr(number: number): string {
  return `10.${245 + Math.floor(number / 256)}.${number % 256}.0/24`;
}
