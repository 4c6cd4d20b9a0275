import { existsSync } from "node:fs";
import type { Clock } from "../../foundation/clock.ts";
import type { Random } from "../../foundation/random.ts";
import type { RunRoot } from "../run-root.ts";
import { SlotChannel } from "./slot-channel.ts";

type User = { uid: number; gid: number } | undefined;

/** The channels of an executor's slots, each made when it is first needed, and again when its socket was tidied away. */
export class SlotChannels {
  readonly #runRoot: RunRoot;
  readonly #around: { clock: Clock; random: Random };
  readonly #channels = new Map<number, Promise<SlotChannel>>();

  constructor(runRoot: RunRoot, around: { clock: Clock; random: Random }) {
    this.#runRoot = runRoot;
    this.#around = around;
  }

  /** The slot's channel, which from now on `user` can get to. `owner`: the user of the slot, whose socket it is. */
  async open(slot: number, owner: User, user: User): Promise<SlotChannel> {
    const former = await this.#channels.get(slot);
    const channel = former && existsSync(former.path) ? former : await this.#listen(slot, owner, former);
    await this.#runRoot.admit(slot, user);
    return channel;
  }

  async close(): Promise<void> {
    for (const channel of await Promise.all(this.#channels.values())) await channel.close();
  }

  async #listen(slot: number, owner: User, former: SlotChannel | undefined): Promise<SlotChannel> {
    await former?.close();
    const channel = this.#runRoot
      .channelPath(slot, owner)
      .then((path) => SlotChannel.listen(path, owner, this.#around));
    channel.catch(() => this.#channels.delete(slot));
    this.#channels.set(slot, channel);
    return channel;
  }
}
