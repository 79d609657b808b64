const limit = (text: string): string => `{"key":"YQ==","limit":${text}}`;
const order = (text: string): string => `{"key":"YQ==","sort_order":${text}}`;
const key = (text: string): string => `{"key":"${text}"}`;
const noInteger = (found: string): string => `json: cannot unmarshal ${found} into Go value of type int64`;
const noOrder = (found: string): string => `json: cannot unmarshal ${found} into Go value of type protoreflect.EnumNumber`;
const unknownOrder = (quoted: string): string => `unknown value ${quoted} for enum etcdserverpb.RangeRequest.SortOrder`;
const noBase64 = (byte: number): string => `illegal base64 data at input byte ${byte}`;

/** Requests of Range that are no JSON or the wrong one, and how etcd 3.5.21 refuses them. 3.4.23 agrees. */
export const REFUSED_BY_ALL: readonly (readonly [string, string])[] = [
  ...['{"key":', "{", '{"key"', '{"key":"YQ=="', '{"key":"YQ==', "nul", '"', "[1", "-"].map((text) => [text, "unexpected EOF"] as const),
  ['{"key" "YQ=="}', "invalid character '\"' after object key"],
  ['{"key":"YQ==" "a"}', "invalid character '\"' after object key:value pair"],
  ["{'key':1}", "invalid character '\\'' looking for beginning of object key string"],
  ["{1:2}", "invalid character '1' looking for beginning of object key string"],
  ['{"key":"YQ==",}', "invalid character '}' looking for beginning of object key string"],
  ["x", "invalid character 'x' looking for beginning of value"],
  ["\\", "invalid character '\\\\' looking for beginning of value"],
  ["\0", "invalid character '\\x00' looking for beginning of value"],
  ["\ufeff{}", "invalid character 'ï' looking for beginning of value"],
  ["é", "invalid character 'Ã' looking for beginning of value"],
  ["[1,]", "invalid character ']' looking for beginning of value"],
  ["[1 2]", "invalid character '2' after array element"],
  ["nulx", "invalid character 'x' in literal null (expecting 'l')"],
  ['{"key":tru}', "invalid character '}' in literal true (expecting 'e')"],
  ['{"limit":01}', "invalid character '1' after object key:value pair"],
  ['{"limit":-}', "invalid character '}' in numeric literal"],
  ['{"limit":1.x}', "invalid character 'x' after decimal point in numeric literal"],
  ['{"limit":1e+}', "invalid character '}' in exponent of numeric literal"],
  ['{"key":"a\\x"}', "invalid character 'x' in string escape code"],
  ['{"key":"a\\u12g4"}', "invalid character 'g' in \\u hexadecimal character escape"],
  ['{"key":"a\tb"}', "invalid character '\\t' in string literal"],
  [`{"a":${"[".repeat(10_000)}`, "invalid character '[' exceeded max depth"],
  ...(["array", "number", "string", "bool"] as const).map((kind) => [{ array: "[]", number: "1", string: '"a"', bool: "true" }[kind], `json: cannot unmarshal ${kind} into Go value of type map[string]json.RawMessage`] as const),
  ['{"key":1}', "json: cannot unmarshal number into Go value of type []uint8"],
  ['{"key":[1,256]}', "json: cannot unmarshal number 256 into Go value of type uint8"],
  ['{"key":["a"]}', "json: cannot unmarshal string into Go value of type uint8"],
  ['{"count_only":"yes"}', "json: cannot unmarshal string into Go value of type bool"],
  [key("@@@"), noBase64(0)],
  [key("YQ"), noBase64(0)],
  [key("YWE"), noBase64(0)],
  [key("YQ="), noBase64(3)],
  [key("YQ=A"), noBase64(2)],
  [key("YQ==YQ=="), noBase64(4)],
  [key("YWE==="), noBase64(4)],
  [limit("60.0"), noInteger("number 60.0")],
  [limit("1e3"), noInteger("number 1e3")],
  [limit('"1e3"'), noInteger("number 1e3")],
  [limit("1E400"), noInteger("number 1E400")],
  [limit("9223372036854775808"), noInteger("number 9223372036854775808")],
  [limit('"-9223372036854775809"'), noInteger("number -9223372036854775809")],
  [limit("true"), noInteger("bool")],
  [limit('"[1]"'), noInteger("array")],
  [limit('"{}"'), noInteger("object")],
  [limit('""'), "unexpected end of JSON input"],
  [limit('"05"'), "invalid character '5' after top-level value"],
  [limit('"+5"'), "invalid character '+' looking for beginning of value"],
  [limit('"-"'), "invalid character ' ' in numeric literal"],
  [limit('"\\u0035"'), "invalid character '\\\\' looking for beginning of value"],
];

/** The same of enums, of which 3.4 speaks otherwise. */
const REFUSED_ENUMS: readonly (readonly [string, string])[] = [
  [order('"SIDEWAYS"'), unknownOrder('"\\"SIDEWAYS\\""')],
  [order('"1"'), unknownOrder('"\\"1\\""')],
  [order('"\\u0041SCEND"'), unknownOrder('"\\"\\\\u0041SCEND\\""')],
  [order('"é"'), unknownOrder('"\\"é\\""')],
  [order("1.0"), noOrder("number 1.0")],
  [order("99999999999"), noOrder("number 99999999999")],
  [order("true"), noOrder("bool")],
];

export const REFUSED: readonly (readonly [string, string])[] = [...REFUSED_BY_ALL, ...REFUSED_ENUMS];
