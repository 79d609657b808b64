/** The three PEM texts a peer of mutual TLS needs. */
export interface TlsMaterial {
  /** The authority both sides trust. */
  readonly caPem: string;
  /** This side's certificate. */
  readonly certPem: string;
  /** This side's private key. */
  readonly keyPem: string;
}
