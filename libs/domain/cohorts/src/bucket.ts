/** A device's fixed place in [0, 1) for a salt. */
export type BucketOf = (salt: string, deviceId: string) => number;

/**
 * The bucket by a hash that is handed in: SHA-256 of a text, as a text of one byte a character (design §3.3; vectors in
 * docs/reference/bucket-vectors.json). Its first 8 bytes count as an unsigned big-endian number, out of 2⁶⁴.
 */
export function bucketBy(sha256: (text: string) => string): BucketOf {
  return (salt, deviceId) => {
    const digest = sha256(`${salt}\u001f${deviceId}`);
    return (wordAt(digest, 0) * 2 ** 32 + wordAt(digest, 4)) / 2 ** 64;
  };
}

/** Four bytes as an unsigned number, big endian. */
function wordAt(bytes: string, index: number): number {
  const high = (bytes.charCodeAt(index) << 8) | bytes.charCodeAt(index + 1);
  const low = (bytes.charCodeAt(index + 2) << 8) | bytes.charCodeAt(index + 3);
  return high * 0x10000 + low;
}
