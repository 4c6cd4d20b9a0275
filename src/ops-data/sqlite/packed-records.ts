import type { LogRecord } from "../ops-data.ts";

/**
 * Log records for another thread: their bytes in one buffer that is handed over, not copied. A view
 * sent by itself would take the whole buffer that it looks into along.
 */
export interface PackedRecords {
  fields: Omit<LogRecord, "bytes">[];
  sizes: number[];
  bytes: Uint8Array<ArrayBuffer>;
}

export function packRecords(records: readonly LogRecord[]): PackedRecords {
  const bytes = new Uint8Array(records.reduce((sum, record) => sum + record.bytes.length, 0));
  const packed: PackedRecords = { fields: [], sizes: [], bytes };
  let at = 0;
  for (const { bytes: own, ...fields } of records) {
    packed.fields.push(fields);
    packed.sizes.push(own.length);
    bytes.set(own, at);
    at += own.length;
  }
  return packed;
}

export function unpackRecords({ fields, sizes, bytes }: PackedRecords): LogRecord[] {
  let at = 0;
  return fields.map((own, index) => {
    const end = at + (sizes[index] ?? 0);
    const record = { ...own, bytes: bytes.subarray(at, end) };
    at = end;
    return record;
  });
}
