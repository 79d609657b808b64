/** The only form of OpenAPI v2 that kubectl reads: gnostic's openapi.v2.Document as protobuf. */
export const OPENAPI_V2_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content]);
}

/**
 * A document that knows no kind: swagger (1), info (2: title, version), paths (8).
 *
 * kubectl falls back to v2 for groups that v3 does not name; with this it goes on to say that the kind is unknown, where
 * without it would say that it cannot download a schema.
 */
export function openApiV2(): Buffer {
  const info = Buffer.concat([field(1, Buffer.from("spheresim")), field(2, Buffer.from("v1.32.0"))]);
  return Buffer.concat([field(1, Buffer.from("2.0")), field(2, info), field(8, Buffer.alloc(0))]);
}
