/** What a process does with TERM: ends at once with this exit code, or does not listen (then only KILL ends it, after the grace period). */
export type OnTerm = { readonly exitCode: number } | "ignored";

/**
 * What a program answers to clients on the network: HTTP with status 200, gRPC health with SERVING, a connection without a word, all of
 * these, or nothing, for nobody listens.
 */
export type Speaks = "http" | "grpc" | "tcp" | "anything" | "nothing";

/** How a program behaves towards those who ask whether it is well. Times are milliseconds after its start, Infinity is never. */
export interface Health {
  readonly speaks: Speaks;
  /** Ports it listens on; absent where nobody can tell, and it answers on every port. */
  readonly ports?: readonly number[];
  /** Ports on which it speaks TLS, and on no others; absent where nobody can tell, and it answers with and without. */
  readonly tlsPorts?: readonly number[];
  readonly startedAfterMs: number;
  readonly readyAfterMs: number;
  readonly unreadyAfterMs: number;
  readonly livenessFailsAfterMs: number;
}

/** What a program uses of its host from its start to its end; a container that is limited to less uses its limit. */
export interface ResourceUse {
  /** Thousandths of a core. */
  readonly cpuMilli: number;
  /** Anonymous memory, which no program here has beside it: no file is read or written. */
  readonly memoryBytes: number;
}

/** What an image runs when the pod names no command. Data, because no image is ever fetched. */
export interface ImageProfile extends Health, ResourceUse {
  readonly name: string;
  /** Last parts of the repositories it is for, without registry, tag and digest. */
  readonly repositories: readonly string[];
  /** `serves` stays up until it is stopped; `exits` ends after `exitsAfterMs`. */
  readonly runs: "serves" | "exits";
  /** Exit code of one that exits. */
  readonly exitCode: number;
  readonly exitsAfterMs: number;
  readonly onTerm: OnTerm;
  /** Variable of its environment that tells it another port. */
  readonly portVariable?: string;
  /** Whom the image runs as (its USER): a number, 0 where it says nothing, or a name; absent where nobody can tell. */
  readonly user?: string;
  /** Whether `args` alone are a command line (no entrypoint, or one that runs its arguments) or words for the entrypoint. */
  readonly argsAreCommand: boolean;
  /** What is different where the first argument is this word. */
  readonly subcommands?: Readonly<Record<string, Partial<ImageProfile>>>;
}

/** Well as long as it runs. */
export const well: Omit<Health, "speaks"> = { startedAfterMs: 0, readyAfterMs: 0, unreadyAfterMs: Number.POSITIVE_INFINITY, livenessFailsAfterMs: Number.POSITIVE_INFINITY };

const KIB = 1024;
const MIB = 1024 ** 2;

/** A server that shuts down in good order when it gets TERM, behind an entrypoint that also runs other commands. */
const server = { runs: "serves", user: "0", exitCode: 0, exitsAfterMs: 0, onTerm: { exitCode: 0 }, argsAreCommand: true, speaks: "tcp", ...well } as const;
/** What a shell or a small program uses that waits. */
export const waiting: ResourceUse = { cpuMilli: 0, memoryBytes: MIB };
/** A base image: its shell or interpreter reads an empty standard input and ends. */
const shell = { runs: "exits", user: "0", exitCode: 0, exitsAfterMs: 0, onTerm: { exitCode: 143 }, argsAreCommand: true, speaks: "nothing", ...well, ...waiting } as const;

/** The built-in profiles, in order; the first that names the repository counts. Their use is that of an idle server. */
export const imageProfiles: readonly ImageProfile[] = [
  { name: "nginx", repositories: ["nginx", "nginx-slim"], ...server, ports: [80], tlsPorts: [], speaks: "http", cpuMilli: 1, memoryBytes: 9 * MIB },
  { name: "nginx-unprivileged", repositories: ["nginx-unprivileged"], ...server, user: "101", ports: [8080], tlsPorts: [], speaks: "http", cpuMilli: 1, memoryBytes: 9 * MIB },
  { name: "httpd", repositories: ["httpd"], ...server, ports: [80], tlsPorts: [], speaks: "http", cpuMilli: 1, memoryBytes: 24 * MIB },
  { name: "redis", repositories: ["redis", "valkey"], ...server, ports: [6379], cpuMilli: 2, memoryBytes: 8 * MIB },
  { name: "memcached", repositories: ["memcached"], ...server, user: "memcache", ports: [11211], cpuMilli: 1, memoryBytes: 3 * MIB },
  { name: "postgres", repositories: ["postgres", "postgresql"], ...server, ports: [5432], portVariable: "PGPORT", cpuMilli: 3, memoryBytes: 40 * MIB },
  { name: "mysql", repositories: ["mysql", "mariadb"], ...server, ports: [3306], portVariable: "MYSQL_TCP_PORT", cpuMilli: 6, memoryBytes: 360 * MIB },
  { name: "mongo", repositories: ["mongo", "mongodb"], ...server, ports: [27017], cpuMilli: 8, memoryBytes: 160 * MIB },
  { name: "etcd", repositories: ["etcd"], ...server, speaks: "anything", argsAreCommand: false, cpuMilli: 15, memoryBytes: 40 * MIB },
  { name: "registry", repositories: ["registry"], ...server, ports: [5000], portVariable: "REGISTRY_HTTP_ADDR", tlsPorts: [], speaks: "http", cpuMilli: 1, memoryBytes: 12 * MIB },
  { name: "pause", repositories: ["pause", "pause-amd64"], ...server, user: "65535", speaks: "nothing", argsAreCommand: false, cpuMilli: 0, memoryBytes: 512 * KIB },
  {
    name: "agnhost",
    repositories: ["agnhost", "echoserver", "goproxy", "serve_hostname"],
    ...server,
    speaks: "anything",
    argsAreCommand: false,
    cpuMilli: 1,
    memoryBytes: 12 * MIB,
    subcommands: { liveness: { livenessFailsAfterMs: 10_000 }, pause: { speaks: "nothing" } },
  },
  {
    name: "shell",
    repositories: ["busybox", "alpine", "debian", "ubuntu", "fedora", "centos", "rockylinux", "bash", "photon", "perl", "python", "node", "ruby", "golang", "openjdk", "eclipse-temurin"],
    ...shell,
  },
  { name: "curl", repositories: ["curl"], ...shell, user: "curl_user", exitCode: 2 },
  { name: "hello-world", repositories: ["hello-world"], ...shell, argsAreCommand: false },
];

/** Who publishes the images described here. Others' of the same name listen on other ports as other users: `bitnami/nginx` on 8080, as 1001. */
const OWNERS = new Set(["library", "nginxinc", "valkey", "curlimages"]);

const { user: _, ...anybody } = server;

/** An image nobody described: a service that stays up; it has no handler for TERM, and dies of it. */
export const unknownImage: ImageProfile = { ...anybody, name: "unknown", repositories: [], onTerm: { exitCode: 143 }, argsAreCommand: false, speaks: "anything", cpuMilli: 5, memoryBytes: 32 * MIB };

/** A profile as a user writes it: what never happens is left out. */
export type OwnImageProfile = Omit<ImageProfile, "unreadyAfterMs" | "livenessFailsAfterMs" | "subcommands"> & Partial<Pick<Health, "unreadyAfterMs" | "livenessFailsAfterMs">>;

/** The profiles of a machine process: a user's own, which come first, then the built-in ones. */
export class ImageProfiles {
  readonly #rows: readonly ImageProfile[];

  constructor(own: readonly OwnImageProfile[] = []) {
    this.#rows = [...own.map((profile) => ({ ...well, ...profile })), ...imageProfiles, unknownImage];
  }

  get names(): readonly string[] {
    return this.#rows.map(({ name }) => name);
  }

  named(name: string): ImageProfile | undefined {
    return this.#rows.find((profile) => profile.name === name);
  }

  /**
   * The profile of an image reference.
   *
   * Worked example: `docker.io/library/nginx:1.29@sha256:...` has the repository's last part `nginx`; `bitnami/nginx` has it too, and serves on
   * ports that nobody here can tell.
   */
  of(image: string): ImageProfile {
    const path = image.replace(/@.*$/, "").split("/");
    const name = path.at(-1)?.replace(/:.*$/, "") ?? "";
    const profile = this.#rows.find(({ repositories }) => repositories.includes(name)) ?? unknownImage;
    if (!imageProfiles.includes(profile) || OWNERS.has(ownerOf(path))) return profile;
    const { ports: _, tlsPorts: __, user: ___, ...others } = profile;
    return others;
  }
}

/** Whose repository it is; the official one's where only a registry, or nothing, stands before the name. */
function ownerOf(path: readonly string[]): string {
  const owner = path.at(-2);
  return owner === undefined || (path.length === 2 && /[.:]|^localhost$/.test(owner)) ? "library" : owner;
}
