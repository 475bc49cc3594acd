/**
 * Access to the numbers in bytes. Making a DataView takes as long as reading a few numbers, and the rows of one answer
 * lie in one ArrayBuffer, so the latest view is kept.
 */
let latest: DataView<ArrayBufferLike> = new DataView(new ArrayBuffer(0));

/** A view of the whole ArrayBuffer in which `bytes` lie, which begin at their `byteOffset`. */
export function viewOf(bytes: Uint8Array): DataView {
  if (latest.buffer !== bytes.buffer) latest = new DataView(bytes.buffer);
  return latest;
}

/** The same bytes as a Buffer, which reads text fast. */
export const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
