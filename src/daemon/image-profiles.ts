import { z } from "zod";
import { parseGoDuration } from "../base/go-duration.js";
import { Quantity, QuantityError } from "../base/quantity.js";
import { problemText, readYamlFile } from "./yaml-file.js";

const duration = z
  .string({ error: "must be a duration such as 30s or 1m30s" })
  .transform((text, context) => {
    const ms = parseGoDuration(text);
    if (ms !== undefined) return ms;
    context.addIssue({ code: "custom", message: "must be a duration such as 30s or 1m30s" });
    return z.NEVER;
  });
/** A quantity, also one that YAML reads as a number: `cpu: 2`. */
const quantity = (example: string) =>
  z.union([z.string(), z.number()], { error: `must be a quantity such as ${example}` }).transform((text, context) => {
    try {
      const read = Quantity.parse(String(text));
      if (read.nano >= 0n) return read;
    } catch (error) {
      if (!(error instanceof QuantityError)) throw error;
    }
    context.addIssue({ code: "custom", message: `must be a quantity such as ${example}` });
    return z.NEVER;
  });
const code = { error: "must be an exit code from 0 to 255" };
const exitCode = z.number(code).int(code).min(0, code).max(255, code);
const userRule = { error: "must be a user's number or name" };
const portRange = { error: "must be a port from 1 to 65535" };

const profile = z
  .strictObject({
    /** Name, for the annotation `spheresim.dev/profile` and for what the pod's annotations show. */
    name: z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "must be lower-case letters, digits and dashes"),
    /** Last parts of the repositories it is for, without registry, tag and digest; none for one that is asked for by name alone. */
    repositories: z.array(z.string().regex(/^[^/:@]+$/, "must be the last part of a repository, without registry, tag and digest")).default([]),
    /** `serves` stays up until it is stopped, `exits` ends by itself. */
    runs: z.enum(["serves", "exits"], { error: "choose one of: serves, exits" }).default("serves"),
    /** Of one that exits. */
    exitCode: exitCode.default(0),
    /** When one that exits does, after its start. */
    exitsAfter: duration.default(0),
    /** What TERM does: an exit code, or `ignored`. */
    onTerm: z.union([exitCode, z.literal("ignored")], { error: "must be an exit code from 0 to 255, or ignored" }).default(143),
    /** Whether `args` without `command` are a command line. */
    argsAreCommand: z.boolean().default(false),
    /** What it answers on the network, on every port. */
    speaks: z.enum(["http", "grpc", "tcp", "anything", "nothing"], { error: "choose one of: http, grpc, tcp, anything, nothing" }).default("anything"),
    /** Ports on which it speaks TLS, and on no others; without it, it answers with and without on every port. */
    tlsPorts: z.array(z.number(portRange).int(portRange).min(1, portRange).max(65_535, portRange)).optional(),
    /** Whom the image runs as (its USER), for runAsNonRoot: a number, `0` where it says nothing, or a name; without it nobody can tell. */
    user: z.union([z.string(), z.number()], userRule).transform(String).pipe(z.string().regex(/^[a-z0-9_][-a-z0-9_.]*$/i, userRule)).optional(),
    /** Its startup probe succeeds from then on, after its start. */
    startedAfter: duration.default(0),
    /** Its readiness probe succeeds from then on. */
    readyAfter: duration.default(0),
    /** Its readiness probe fails from then on. */
    unreadyAfter: duration.optional(),
    /** Its liveness probe fails from then on. */
    livenessFailsAfter: duration.optional(),
    /** CPU it uses while it runs, a quantity of cores. */
    cpu: quantity("250m").default(Quantity.ofMilli(5)),
    /** Memory it uses while it runs, a quantity of bytes. */
    memory: quantity("64Mi").default(Quantity.parse("32Mi")),
  })
  .transform(({ exitsAfter, onTerm, startedAfter, readyAfter, unreadyAfter, livenessFailsAfter, tlsPorts, user, cpu, memory, ...same }) => ({
    ...same,
    exitsAfterMs: exitsAfter,
    onTerm: onTerm === "ignored" ? onTerm : { exitCode: onTerm },
    startedAfterMs: startedAfter,
    readyAfterMs: readyAfter,
    cpuMilli: Number(cpu.milliValue()),
    memoryBytes: Number(memory.value()),
    ...(tlsPorts === undefined ? {} : { tlsPorts }),
    ...(user === undefined ? {} : { user }),
    ...(unreadyAfter === undefined ? {} : { unreadyAfterMs: unreadyAfter }),
    ...(livenessFailsAfter === undefined ? {} : { livenessFailsAfterMs: livenessFailsAfter }),
  }));

const imageError = z.strictObject({
  /** A registry, a repository or an image: all references that begin so, up to a `/`, `:` or `@`. */
  images: z.string().min(1, "must name a registry, a repository or an image"),
  /** Why it cannot be resolved: a word of the annotation `spheresim.dev/image-error`, or the registry's answer. */
  error: z.string().min(1, "must be a word such as unauthorized, or the registry's answer"),
  /** How often each image fails before it is found; for ever when absent. */
  times: z.number().int().min(1).max(1000).optional(),
});

const schema = z.strictObject({ profiles: z.array(profile).max(1000).default([]), imageErrors: z.array(imageError).max(1000).default([]) }).superRefine(({ profiles }, context) => {
  profiles.forEach(({ name }, index) => {
    if (profiles.findIndex((other) => other.name === name) < index) context.addIssue({ code: "custom", path: ["profiles", index, "name"], message: `${name} stands twice` });
  });
});

/** A user's own image profiles, and images that cannot be had. */
export interface OwnImages {
  readonly imageProfiles: z.infer<typeof schema>["profiles"];
  readonly imageErrors: z.infer<typeof schema>["imageErrors"];
}

/** Reads image profiles from YAML; throws UserError naming the line and the field that does not do. No file, no profiles. */
export function readImageProfiles(path: string | undefined): OwnImages {
  if (path === undefined) return { imageProfiles: [], imageErrors: [] };
  const file = readYamlFile(path, "image profiles", "see examples/image-profiles.yaml for some that work");
  const result = schema.safeParse(file.content ?? {});
  if (result.success) return { imageProfiles: result.data.profiles, imageErrors: result.data.imageErrors };
  const issue = result.error.issues[0];
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  return file.refuse([...(issue?.path ?? []), ...unknown], unknown.length > 0 ? "is no field of it" : issue === undefined ? "invalid" : problemText(issue));
}
