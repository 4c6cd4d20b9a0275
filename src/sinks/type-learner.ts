import { maxProducers, type Producer, type TypeObservation } from "../catalog/event-types.ts";
import type { CloudEvent } from "../events/cloud-event.ts";
import { fitsShape } from "../events/schema/fits-shape.ts";
import { observe } from "../events/schema/observe.ts";
import { emptyTypeShape, type TypeShape } from "../events/schema/shape.ts";

/** Events of a type that are all looked at in full. */
const firstLooks = 100;

/**
 * What one sink learns of one type between two writes. Every event is compared with the shape that is known, which is
 * cheap; those that say something new are looked at in full, and of the others fewer and fewer: about one in a
 * hundredth of all that were seen.
 */
export class TypeLearner {
  readonly #type: string;
  /** As the catalog has it, with what was seen since. */
  #known: TypeShape;
  #isStored: boolean;
  #seen = 0;
  #nextLook = 0;
  #count = 0;
  #firstSeen = 0;
  #lastSeen = 0;
  #news: TypeShape | undefined;
  #producers = new Map<string, Producer>();

  constructor(type: string, known: TypeShape | undefined) {
    this.#type = type;
    this.#known = known ?? emptyTypeShape();
    this.#isStored = known !== undefined;
    if (this.#known.samples >= firstLooks) this.#nextLook = firstLooks;
  }

  get hasNews(): boolean {
    return this.#count > 0;
  }

  see(event: CloudEvent, at: number): void {
    if (this.#count === 0) this.#firstSeen = at;
    this.#count += 1;
    this.#lastSeen = at;
    this.#seeProducer(event, at);
    this.#seen += 1;
    if (this.#seen < this.#nextLook && fitsShape(this.#known, event.data)) return;
    if (this.#known.samples >= firstLooks)
      this.#nextLook = this.#seen + Math.ceil(Math.max(this.#seen, firstLooks) / 100);
    this.#news ??= emptyTypeShape();
    observe(this.#news, event.data);
    observe(this.#known, event.data);
  }

  #seeProducer({ source, fxproject }: CloudEvent, at: number): void {
    const key = `${fxproject ?? ""} ${source}`;
    const producer = this.#producers.get(key);
    if (producer) {
      producer.count += 1;
      producer.lastSeen = at;
    } else if (this.#producers.size < maxProducers) {
      this.#producers.set(key, { source, project: fxproject, count: 1, lastSeen: at });
    }
  }

  observation(): TypeObservation {
    return {
      type: this.#type,
      count: this.#count,
      firstSeen: this.#firstSeen,
      lastSeen: this.#lastSeen,
      producers: [...this.#producers.values()],
      shape: this.#news,
      known: this.#isStored,
    };
  }

  /** The observation is in the catalog; `shape` is what all sinks together know now. */
  written(shape: TypeShape | undefined, isStored: boolean): void {
    if (shape) this.#known = shape;
    this.#isStored = isStored;
    this.#count = 0;
    this.#news = undefined;
    this.#producers = new Map();
  }
}
