/** A decoded body, whose shape the schema has checked already; validation looks into it by name. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;
