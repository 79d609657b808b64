import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { wallClock } from "../../src/base/clock.js";
import { jwtKey } from "../../src/etcd/auth/jwt-key.js";
import { JwtTokens } from "../../src/etcd/auth/jwt-tokens.js";

const directory = mkdtempSync(join(tmpdir(), "spheresim-jwt-"));
after(() => rmSync(directory, { recursive: true, force: true }));

/** Keys for a method: files as `--auth-token` names them, and a maker of tokens that are valid for `ttlMs`. */
export function jwtKeys(method: string): { readonly pub: string; readonly priv: string; readonly maker: (ttlMs: number) => JwtTokens } {
  const curve = { ES256: "P-256", ES384: "P-384", ES512: "P-521" }[method];
  const pair = curve === undefined ? generateKeyPairSync("rsa", { modulusLength: 2048 }) : generateKeyPairSync("ec", { namedCurve: curve });
  const [publicKey, privateKey] = [pair.publicKey.export({ type: "spki", format: "pem" }), pair.privateKey.export({ type: "pkcs8", format: "pem" })].map((pem) => Buffer.from(pem));
  const [pub, priv] = [join(directory, `${method}.pub`), join(directory, `${method}.key`)];
  writeFileSync(pub, publicKey ?? "");
  writeFileSync(priv, privateKey ?? "");
  const key = jwtKey(method, { publicKey, privateKey });
  return { pub, priv, maker: (ttlMs) => new JwtTokens({ method, key, ttlMs }, wallClock()) };
}
