import "reflect-metadata";
import { createPrivateKey, X509Certificate as NodeCertificate, webcrypto } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509Crl,
} from "@peculiar/x509";
import { wallClock } from "../base/clock.js";
import { makeDirectory } from "../base/directory.js";
import { secretHex } from "../base/ids.js";
import { tlsDirectory, tlsFiles, type TlsMaterial } from "./tls.js";

/** What a certificate should say. */
export interface LeafRequest {
  /** For Kubernetes clients the user's name. */
  readonly commonName: string;
  /** For Kubernetes clients the user's groups. */
  readonly organizations?: readonly string[];
  /** May begin with `*.` for one label. */
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly usages: readonly ("server" | "client")[];
}

/** Names every server of this machine is reached by; ESXi hosts and CRX instances are told apart by `:authority`. */
export const serverNames = ["localhost", "*.spheresim.test", "*.crx.spheresim.test"] as const;
/** Addresses every server of this machine is reached by. */
export const serverAddresses = ["127.0.0.1", "::1"] as const;

const KEY = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;
const DAY_MS = 24 * 3600 * 1000;
const AUTHORITY_DAYS = 3650;
const LEAF_DAYS = 365;
/** A stored certificate is made anew when it ends within so many days. */
const RENEW_DAYS = 30;
/** Clocks of clients may be behind. */
const SKEW_MS = 3600 * 1000;

/** The private certificate authority of one data directory (ECDSA P-256). Keys are readable by their owner alone. */
export class CertificateAuthority {
  readonly #directory: string;
  readonly #certificate: X509Certificate;
  readonly #key: webcrypto.CryptoKey;
  /** The authority's certificate. */
  readonly caPem: string;

  private constructor(directory: string, caPem: string, key: webcrypto.CryptoKey) {
    this.#directory = directory;
    this.#certificate = new X509Certificate(caPem);
    this.#key = key;
    this.caPem = caPem;
  }

  /** Opens the authority in `<dataDir>/tls` and makes it on first use. */
  static async open(dataDir: string): Promise<CertificateAuthority> {
    const directory = tlsDirectory(dataDir);
    makeDirectory(directory, 0o700);
    const { cert, key } = tlsFiles(directory, "ca");
    if (existsSync(cert) && existsSync(key)) {
      return new CertificateAuthority(directory, readFileSync(cert, "utf8"), await importKey(readFileSync(key, "utf8")));
    }
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      name: "CN=spheresim",
      ...validity(AUTHORITY_DAYS),
      keys,
      signingAlgorithm: SIGNATURE,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    const caPem = pem(certificate);
    writeSafely(key, await exportKey(keys.privateKey), 0o600);
    writeSafely(cert, caPem, 0o644);
    return new CertificateAuthority(directory, caPem, keys.privateKey);
  }

  /** Makes a certificate and its key; nothing is stored. */
  async issue(request: LeafRequest): Promise<TlsMaterial> {
    const keys = await generateKeys();
    const names: JsonGeneralNames = [
      ...(request.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
      ...(request.ipAddresses ?? []).map((value) => ({ type: "ip" as const, value })),
    ];
    const usages = request.usages.map((usage) => (usage === "server" ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth));
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: [...(request.organizations ?? []).map((value) => ({ O: [value] })), { CN: [request.commonName] }],
      issuer: this.#certificate.subject,
      ...validity(LEAF_DAYS),
      publicKey: keys.publicKey,
      signingKey: this.#key,
      signingAlgorithm: SIGNATURE,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension(usages),
        await AuthorityKeyIdentifierExtension.create(this.#certificate.publicKey),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
        ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
      ],
    });
    return { caPem: this.caPem, certPem: pem(certificate), keyPem: await exportKey(keys.privateKey) };
  }

  /** The certificate stored as `name`; made when it is not there, ends soon, or says something else than `request`. */
  async stored(name: string, request: LeafRequest): Promise<TlsMaterial> {
    const { cert, key } = tlsFiles(this.#directory, name);
    if (existsSync(cert) && existsSync(key)) {
      const certPem = readFileSync(cert, "utf8");
      const keyPem = readFileSync(key, "utf8");
      // Renewed and killed in between: the key is the new one's already.
      if (belongTogether(certPem, keyPem) && this.#stillGood(certPem, request)) return { caPem: this.caPem, certPem, keyPem };
    }
    const material = await this.issue(request);
    writeSafely(key, material.keyPem, 0o600);
    writeSafely(cert, material.certPem, 0o644);
    return material;
  }

  /** Forgets the certificate stored as `name`, if there is one. */
  forget(name: string): void {
    for (const file of Object.values(tlsFiles(this.#directory, name))) rmSync(file, { force: true });
  }

  #stillGood(certPem: string, request: LeafRequest): boolean {
    const certificate = new NodeCertificate(certPem);
    if (!certificate.verify(new NodeCertificate(this.caPem).publicKey)) return false;
    if (Date.parse(certificate.validTo) - wallClock().nowMs() < RENEW_DAYS * DAY_MS) return false;
    const subject = [...(request.organizations ?? []).map((value) => `O=${value}`), `CN=${request.commonName}`].join("\n");
    // Node writes a comma inside a name as `\,`.
    if (certificate.subject.replace(/\\(.)/g, "$1") !== subject) return false;
    const alternatives = certificate.subjectAltName ?? "";
    const names = (request.dnsNames ?? []).every((value) => alternatives.split(", ").includes(`DNS:${value}`));
    return names && (request.ipAddresses ?? []).every((value) => certificate.checkIP(value) !== undefined);
  }
}

/**
 * The serial numbers of a certificate revocation list in PEM or DER, as Node shows those of certificates. As etcd, nothing but the numbers is
 * looked at: a list past its date still revokes. Throws for what is no such list.
 */
export function revokedSerials(list: Buffer): ReadonlySet<string> {
  const text = list.toString("latin1");
  const crl = new X509Crl(text.includes("-----BEGIN") ? text : new Uint8Array(list));
  return new Set(crl.entries.map(({ serialNumber }) => serialNumber.toUpperCase().replace(/^0+(?=.)/, "")));
}

function belongTogether(certPem: string, keyPem: string): boolean {
  try {
    return new NodeCertificate(certPem).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false; // one of them is none
  }
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY, true, ["sign", "verify"]);
}

function importKey(keyPem: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("pkcs8", PemConverter.decodeFirst(keyPem), KEY, true, ["sign"]);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

/** 16 random bytes; the first bit is 0 because a serial number must be positive, the next 1 so that its length is fixed. */
function serialNumber(): string {
  return `4${secretHex(16).slice(1)}`;
}

function validity(days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const nowMs = wallClock().nowMs();
  return { notBefore: new Date(nowMs - SKEW_MS), notAfter: new Date(nowMs + days * DAY_MS) };
}

/** Whoever reads the file sees all of it or none. */
function writeSafely(file: string, text: string, mode: number): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode });
  renameSync(temporary, file);
}
