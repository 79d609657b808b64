/** What a process does with TERM: ends at once with this exit code, or does not listen (then only KILL ends it, after the grace period). */
export type OnTerm = { readonly exitCode: number } | "ignored";

/** What an image runs when the pod names no command. Data, because no image is ever fetched. */
export interface ImageProfile {
  readonly name: string;
  /** Last parts of the repositories it is for, without registry, tag and digest. */
  readonly repositories: readonly string[];
  /** `serves` stays up until it is stopped; `exits` ends at once. */
  readonly runs: "serves" | "exits";
  /** Exit code of one that exits. */
  readonly exitCode: number;
  readonly onTerm: OnTerm;
  /** Whether `args` alone are a command line (no entrypoint, or one that runs its arguments) or words for the entrypoint. */
  readonly argsAreCommand: boolean;
}

/** A server that shuts down in good order when it gets TERM, behind an entrypoint that also runs other commands. */
const server = { runs: "serves", exitCode: 0, onTerm: { exitCode: 0 }, argsAreCommand: true } as const;
/** A base image: its shell or interpreter reads an empty standard input and ends. */
const shell = { runs: "exits", exitCode: 0, onTerm: { exitCode: 143 }, argsAreCommand: true } as const;

/** The profiles, in order; the first that names the repository counts. */
export const imageProfiles: readonly ImageProfile[] = [
  { name: "nginx", repositories: ["nginx", "nginx-slim", "nginx-unprivileged"], ...server },
  { name: "httpd", repositories: ["httpd"], ...server },
  { name: "redis", repositories: ["redis", "valkey"], ...server },
  { name: "memcached", repositories: ["memcached"], ...server },
  { name: "postgres", repositories: ["postgres", "postgresql"], ...server },
  { name: "mysql", repositories: ["mysql", "mariadb"], ...server },
  { name: "mongo", repositories: ["mongo", "mongodb"], ...server },
  { name: "registry", repositories: ["registry"], ...server },
  { name: "pause", repositories: ["pause", "pause-amd64"], ...server, argsAreCommand: false },
  { name: "agnhost", repositories: ["agnhost", "echoserver", "goproxy", "serve_hostname"], ...server, argsAreCommand: false },
  {
    name: "shell",
    repositories: ["busybox", "alpine", "debian", "ubuntu", "fedora", "centos", "rockylinux", "bash", "photon", "curl", "perl", "python", "node", "ruby", "golang", "openjdk", "eclipse-temurin"],
    ...shell,
  },
  { name: "hello-world", repositories: ["hello-world"], ...shell, argsAreCommand: false },
];

/** An image nobody described: a service that stays up; it has no handler for TERM, and dies of it. */
export const unknownImage: ImageProfile = { name: "unknown", repositories: [], runs: "serves", exitCode: 0, onTerm: { exitCode: 143 }, argsAreCommand: false };

/**
 * The profile of an image reference.
 *
 * Worked example: `docker.io/library/nginx:1.29@sha256:...` has the repository's last part `nginx`.
 */
export function imageProfile(image: string): ImageProfile {
  const name = image.replace(/@.*$/, "").split("/").at(-1)?.replace(/:.*$/, "") ?? "";
  return imageProfiles.find((profile) => profile.repositories.includes(name)) ?? unknownImage;
}
