/** What the test service takes and answers. */
export interface Note {
  readonly text: string;
  readonly count?: number;
}

const write = (note: Note): Buffer => Buffer.from(JSON.stringify(note));
const read = (bytes: Buffer): Note => JSON.parse(bytes.toString()) as Note;
const codecs = { requestSerialize: write, requestDeserialize: read, responseSerialize: write, responseDeserialize: read };

/** One method of each kind, in the shape that ts-proto generates. */
export const EchoService = {
  once: { path: "/test.v1.EchoService/Once", requestStream: false as const, responseStream: false as const, ...codecs },
  many: { path: "/test.v1.EchoService/Many", requestStream: false as const, responseStream: true as const, ...codecs },
  join: { path: "/test.v1.EchoService/Join", requestStream: true as const, responseStream: false as const, ...codecs },
  chat: { path: "/test.v1.EchoService/Chat", requestStream: true as const, responseStream: true as const, ...codecs },
} as const;

/** Stands for the generated client class. */
export const EchoServiceClient = { service: EchoService };
