import { Backoff } from "../base/backoff.js";
import { BoundedQueue } from "../base/bounded-queue.js";
import type { Clock, Timer } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import type { GuestToHost } from "../gen/spheresim/hostd/v1/guest.js";
import { GuestServiceClient } from "../gen/spheresim/hostd/v1/guest_service.js";
import { openChannel, type Channel, type DuplexStream } from "../rpc/channel.js";
import type { TlsMaterial } from "../rpc/tls.js";
import type { HostToGuest } from "../gen/spheresim/hostd/v1/guest.js";
import type { Machine, Say } from "./machine.js";

/** Words of guests that may wait for the wire; more, and the channel is made anew with a hello. */
const MAX_UNSENT = 10_000;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;
/**
 * How often the guests beat. Of monotonic time: a jump of the emulated clock is no death. Three beats fit into the time after which HostD
 * calls a heartbeat intermittent, and a beat of 1,000 guests is one message of 45 KB.
 */
const BEAT_MS = 5_000;
/** Guests that one message names. */
const MAX_BEATS = 5_000;

/** What a link needs. */
export interface HostdLinkOptions {
  /** Address of HostD's GuestService, `host:port`. */
  readonly address: string;
  /** Name of this process, for HostD's log. */
  readonly name: string;
  readonly machine: Machine;
  readonly log: Logger;
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly tls: TlsMaterial | undefined;
}

/**
 * The guests' channel to the VMkernel of one HostD process, made again whenever it breaks. Guests live on meanwhile; the hello of the
 * next one names them, and HostD has those killed that it does not know.
 */
export class HostdLink {
  readonly #options: HostdLinkOptions;
  readonly #channel: Channel;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #words: BoundedQueue<GuestToHost> | undefined;

  constructor(options: HostdLinkOptions) {
    this.#options = options;
    this.#channel = openChannel({ address: options.address, tls: options.tls });
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#words?.close();
    await this.#running;
    this.#channel.close();
  }

  /** Its identity tells the guests of this HostD from those of another. */
  readonly #say: Say = (message) => void this.#words?.push({ message });

  async #run(): Promise<void> {
    const { monotonic, log, dice, address } = this.#options;
    const backoff = new Backoff({ initialMs: FIRST_RETRY_MS, maxMs: LONGEST_RETRY_MS, jitter: 0.2, dice });
    let away = false;
    while (!this.#stop.signal.aborted) {
      try {
        await this.#talk(() => {
          if (away) log.info({ hostd: address }, "HostD is back");
          away = false;
          backoff.reset();
        });
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (!away) log.debug({ hostd: address, err: error }, "HostD is away; trying again");
        away = true;
      }
      await monotonic.sleep(backoff.nextMs(), this.#stop.signal).catch(() => undefined);
    }
  }

  /** The guests' hearts, as long as somebody hears them. Behind words that still wait for the wire no beat is put: a VMkernel that is late hears of it late enough. */
  #beat(words: BoundedQueue<GuestToHost>): { cancel(): void } {
    const { monotonic, machine } = this.#options;
    let timer: Timer;
    const later = (): void => {
      timer = monotonic.timer(BEAT_MS, () => {
        if (words.size === 0) beatOf(machine, this.#say);
        later();
      });
    };
    later();
    return { cancel: () => timer.cancel() };
  }

  async #talk(onFirstWord: () => void): Promise<void> {
    const { machine, name } = this.#options;
    const stream = this.#channel.client(GuestServiceClient).connect({ signal: this.#stop.signal });
    const words = new BoundedQueue<GuestToHost>(MAX_UNSENT, "fail");
    this.#words = words;
    words.push({ message: { $case: "hello", value: { guests: machine.guestsOf(this.#say), name } } });
    machine.announce(this.#say);
    const sending = send(words, stream);
    const heart = this.#beat(words);
    try {
      // A stream that was accepted is good: what breaks later is tried again soon.
      for await (const order of stream) {
        onFirstWord();
        machine.obey(order, this.#say);
      }
    } finally {
      heart.cancel();
      this.#words = undefined;
      words.close();
      stream.cancel();
      await sending.catch(() => undefined);
    }
  }
}

/** Says which guests of a machine are alive; nothing where none is. */
function beatOf(machine: Machine, say: Say): void {
  const guests = machine.beatingGuestsOf(say);
  for (let from = 0; from < guests.length; from += MAX_BEATS) say({ $case: "heartbeat", value: { guests: guests.slice(from, from + MAX_BEATS) } });
}

async function send(words: BoundedQueue<GuestToHost>, stream: DuplexStream<GuestToHost, HostToGuest>): Promise<void> {
  try {
    for await (const word of words) await stream.write(word);
  } catch (error) {
    stream.cancel();
    throw error;
  }
}
