/** The JSON of a request cannot be read; the message says why, in Go's words where Go has them. */
export class JsonMappingError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "JsonMappingError";
  }
}
