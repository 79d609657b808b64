import { createPrivateKey, createPublicKey, type KeyObject, type SigningOptions, sign, verify, constants, createHmac, timingSafeEqual } from "node:crypto";

/** Keys for JSON Web Tokens that cannot be used; the message is etcd's. */
export class JwtKeyError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "JwtKeyError";
  }
}

/** What signs tokens, or only knows them again. */
export interface JwtKey {
  /** Undefined for a public key alone. */
  readonly sign: ((text: string) => Buffer) | undefined;
  readonly verify: (text: string, signature: Buffer) => boolean;
}

/** Contents of the files that `pub-key` and `priv-key` name. */
export interface JwtKeyFiles {
  readonly publicKey: Buffer | undefined;
  readonly privateKey: Buffer | undefined;
}

/** Curve of each ECDSA method, as OpenSSL names it (RFC 7518, section 3.4). */
const CURVES: Readonly<Record<string, string>> = { ES256: "prime256v1", ES384: "secp384r1", ES512: "secp521r1" };

/** Methods etcd takes for `sign-method`: HMAC, RSA, RSA-PSS and ECDSA with SHA-256, -384 or -512 (RFC 7518, section 3.1). */
export function isJwtMethod(method: string): boolean {
  return /^(?:HS|RS|PS|ES)(?:256|384|512)$/.test(method);
}

/**
 * Reads the keys for a method. HMAC takes the bytes of `priv-key` as they are; the others take PEM, a certificate too where a public key is
 * meant. Throws JwtKeyError with the text of etcd or of its token library.
 */
export function jwtKey(method: string, files: JwtKeyFiles): JwtKey {
  const digest = `sha${method.slice(2)}`;
  if (method.startsWith("HS")) return hmacKey(digest, files.privateKey);
  const kind = method.startsWith("ES") ? { name: "ECDSA", type: "ec" } : { name: "RSA", type: "rsa" };
  const own = read(files.privateKey, createPrivateKey, kind, "private");
  const given = read(files.publicKey, createPublicKey, kind, "public");
  const known = own === undefined ? given : createPublicKey(own);
  if (known === undefined) throw new JwtKeyError("auth: missing key data");
  // As etcd's, this finds keys of different kinds; two RSA keys with one exponent pass, and the private one is used for both.
  if (given !== undefined && parameters(given) !== parameters(known)) throw new JwtKeyError("auth: public and private keys don't match");
  if (CURVES[method] !== undefined && known.asymmetricKeyDetails?.namedCurve !== CURVES[method]) throw new JwtKeyError("key is invalid");
  const options = signing(method);
  return {
    sign: own === undefined ? undefined : (text) => sign(digest, Buffer.from(text), { key: own, ...options }),
    verify: (text, signature) => verify(digest, Buffer.from(text), { key: known, ...options }, signature),
  };
}

function hmacKey(digest: string, secret: Buffer | undefined): JwtKey {
  if (secret === undefined || secret.length === 0) throw new JwtKeyError("auth: missing key data");
  const code = (text: string): Buffer => createHmac(digest, secret).update(text).digest();
  return {
    sign: code,
    verify: (text, signature) => {
      const expected = code(text);
      return expected.length === signature.length && timingSafeEqual(expected, signature);
    },
  };
}

function read(pem: Buffer | undefined, parse: (pem: Buffer) => KeyObject, { name, type }: { readonly name: string; readonly type: string }, half: "private" | "public"): KeyObject | undefined {
  if (pem === undefined || pem.length === 0) return undefined;
  let key: KeyObject;
  try {
    key = parse(pem);
  } catch (error) {
    throw new JwtKeyError(`invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key`, error);
  }
  if (key.asymmetricKeyType !== type) throw new JwtKeyError(`key is not a valid ${name} ${half} key`);
  return key;
}

function parameters({ asymmetricKeyDetails: details }: KeyObject): string {
  return `${details?.publicExponent ?? ""} ${details?.namedCurve ?? ""}`;
}

/** RFC 7518: ECDSA signatures are two numbers side by side, PSS salts are as long as the hash. */
function signing(method: string): SigningOptions {
  if (method.startsWith("ES")) return { dsaEncoding: "ieee-p1363" };
  return method.startsWith("PS") ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(method.slice(2)) / 8 } : {};
}
