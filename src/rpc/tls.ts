import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The three PEM texts a peer of mutual TLS needs. */
export interface TlsMaterial {
  /** The authority both sides trust. */
  readonly caPem: string;
  /** This side's certificate. */
  readonly certPem: string;
  /** This side's private key. */
  readonly keyPem: string;
}

/** What a server needs to speak TLS. TlsMaterial fits, and means that clients must show a certificate of the same authority. */
export interface ServerTls {
  readonly certPem: string;
  readonly keyPem: string;
  /** The authority of client certificates. */
  readonly caPem?: string | undefined;
  /** Whether a client must show a certificate; without it none is asked for. True when absent. */
  readonly clientCertAuth?: boolean;
  /** Serial numbers, in upper-case hex, of certificates that are no longer trusted. */
  readonly revokedSerials?: ReadonlySet<string> | undefined;
  /** Host names of which a client's certificate must carry one; empty or absent: any. */
  readonly clientNames?: readonly string[];
  /** Names of cipher suites as OpenSSL has them, with colons between; Node's own choice when absent. */
  readonly ciphers?: string | undefined;
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
  readonly maxVersion?: "TLSv1.2" | "TLSv1.3" | undefined;
}

/** Where the certificates of a data directory lie. */
export function tlsDirectory(dataDir: string): string {
  return join(dataDir, "tls");
}

/** The files of one certificate. */
export function tlsFiles(directory: string, name: string): { readonly cert: string; readonly key: string } {
  return { cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
}

/** The certificate a gRPC client of this data directory shows; it is there only while the emulator runs with `--tls`. */
export const grpcClientName = "grpc-client";

/** Reads a stored certificate with its key and authority; undefined where there is none. */
export function readTlsMaterial(dataDir: string, name: string = grpcClientName): TlsMaterial | undefined {
  const directory = tlsDirectory(dataDir);
  const { cert, key } = tlsFiles(directory, name);
  if (!existsSync(cert) || !existsSync(key)) return undefined;
  return {
    caPem: readFileSync(tlsFiles(directory, "ca").cert, "utf8"),
    certPem: readFileSync(cert, "utf8"),
    keyPem: readFileSync(key, "utf8"),
  };
}
