import { chownSync, existsSync } from "node:fs";
import type { Clock } from "../../foundation/clock.ts";
import type { Random } from "../../foundation/random.ts";
import type { User } from "../isolation/run-users.ts";
import type { RunRoot } from "../run-root.ts";
import { SlotChannel } from "./slot-channel.ts";

/** The channels of an executor's slots, each made when it is first needed, and again when its socket was tidied away. */
export class SlotChannels {
  readonly #runRoot: RunRoot;
  readonly #around: { clock: Clock; random: Random };
  readonly #channels = new Map<number, Promise<SlotChannel>>();

  constructor(runRoot: RunRoot, around: { clock: Clock; random: Random }) {
    this.#runRoot = runRoot;
    this.#around = around;
  }

  /** The slot's channel, which from now on `user` alone may dial; undefined: the executor's own. */
  async open(slot: number, user: User | undefined): Promise<SlotChannel> {
    const former = await this.#channels.get(slot);
    const channel = former && existsSync(former.path) ? former : await this.#listen(slot, former);
    if (user) chownSync(channel.path, user.uid, user.gid);
    return channel;
  }

  async close(): Promise<void> {
    for (const channel of await Promise.all(this.#channels.values())) await channel.close();
  }

  async #listen(slot: number, former: SlotChannel | undefined): Promise<SlotChannel> {
    await former?.close();
    const channel = this.#runRoot.channelPath(slot).then((path) => SlotChannel.listen(path, this.#around));
    channel.catch(() => this.#channels.delete(slot));
    this.#channels.set(slot, channel);
    return channel;
  }
}
