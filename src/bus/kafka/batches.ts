/** Bits of a batch's attributes, as in Kafka's protocol. */
const stampedByBroker = 1 << 3;
const transactional = 1 << 4;
const control = 1 << 5;

interface Batch {
  firstOffset: bigint;
  lastOffsetDelta: number;
  attributes: number;
  producerId: bigint;
}

/** Whether the time of its records is when the broker stored them, and not what their sender wrote. */
export function isStampedByBroker({ attributes }: Pick<Batch, "attributes">): boolean {
  return (attributes & stampedByBroker) !== 0;
}

/**
 * Batches that hold records for readers: without the marks of transactions, and without what an outside program wrote in a
 * transaction that it gave up. `given` names those of the batches, by where each began.
 */
export function withoutGivenUp<Each extends Batch>(
  batches: readonly Each[],
  given: readonly { producerId: bigint; firstOffset: bigint }[] | null,
): Each[] {
  const givenUp = new Set<bigint>();
  let begun = given ?? [];
  return batches.filter(({ attributes, producerId, firstOffset, lastOffsetDelta }) => {
    const last = firstOffset + BigInt(lastOffsetDelta);
    for (const each of begun) if (each.firstOffset <= last) givenUp.add(each.producerId);
    begun = begun.filter((each) => each.firstOffset > last);
    if ((attributes & control) === 0) return (attributes & transactional) === 0 || !givenUp.has(producerId);
    givenUp.delete(producerId);
    return false;
  });
}
