import { readFileSync } from "node:fs";
import { fileProblem, UserError } from "../base/user-error.js";
import { type AuthOptions, isJwtMethod, jwtKey, JwtKeyError } from "../etcd/index.js";
import { durationMs, isDuration } from "./etcd-command-line.js";

/** How long a JSON Web Token is valid where its options do not say. */
const DEFAULT_JWT_TTL_MS = 300_000;

/** The tokens that `--auth-token` asks for, and options that etcd does not know either and goes on without. */
export interface AuthToken {
  readonly tokens: NonNullable<AuthOptions["tokens"]>;
  readonly unknown: readonly string[];
}

/**
 * Reads `--auth-token`: `simple`, nothing, or `jwt,sign-method=RS256,pub-key=FILE,priv-key=FILE,ttl=5m`, of which only the method and
 * one key must be there. Throws UserError (usage) with etcd's text.
 */
export function authToken(text: string): AuthToken {
  const [type, ...pairs] = text.split(",");
  const options = new Map<string, string>();
  for (const pair of pairs) {
    const [name = "", value, ...more] = pair.split("=");
    if (value === undefined || more.length > 0 || options.has(name)) throw refusal(text, `auth: invalid auth options (${pair})`);
    options.set(name, value);
  }
  if (type === "simple") return { tokens: "simple", unknown: [] };
  if (type === "") return { tokens: "none", unknown: [] };
  if (type !== "jwt") throw refusal(text, "auth: invalid auth options (the type is neither simple nor jwt)");

  const method = options.get("sign-method") ?? "";
  if (!isJwtMethod(method)) throw refusal(text, "auth: invalid auth options (sign-method is HS, RS, PS or ES with 256, 384 or 512)");
  const ttl = options.get("ttl") ?? "";
  if (ttl !== "" && !isDuration(ttl)) throw refusal(text, `auth: invalid auth options (ttl: time: invalid duration "${ttl}")`);
  const file = (option: string): Buffer | undefined => {
    const path = options.get(option) ?? "";
    try {
      return path === "" ? undefined : readFileSync(path);
    } catch (error) {
      throw refusal(text, `auth: invalid auth options (${option}: open ${path}: ${fileProblem(error)})`);
    }
  };
  try {
    const key = jwtKey(method, { publicKey: file("pub-key"), privateKey: file("priv-key") });
    return { tokens: { method, key, ttlMs: ttl === "" ? DEFAULT_JWT_TTL_MS : durationMs(ttl) }, unknown: [...options.keys()].filter((name) => !KNOWN.has(name)) };
  } catch (error) {
    if (error instanceof JwtKeyError) throw refusal(text, error.message);
    throw error;
  }
}

const KNOWN: ReadonlySet<string> = new Set(["sign-method", "pub-key", "priv-key", "ttl"]);

function refusal(text: string, message: string): UserError {
  return new UserError("usage", `etcd: --auth-token=${text}: ${message}`);
}
