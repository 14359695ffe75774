/**
 * The packed form of a commit of fleet facts, version 1. All numbers are little-endian; n is the number of facts.
 *
 * | bytes | what |
 * | --- | --- |
 * | 1 | version: 1 |
 * | 3 | zero |
 * | 4 | n |
 * | 8 | the earliest time of receipt, ms since 1970, float64 |
 * | 4 × 5 | far times; bytes of profiles, targets, ids, details |
 * | 16 n | device keys: the first 16 bytes of SHA-256(deviceId) |
 * | 8 n | reports: the first 8 bytes of SHA-256(deviceId, 0x1f, reportId) |
 * | n | heads: kind (bits 0–2), cause (3–4), id text present (5), clock ahead (6) |
 * | 2 n | profile of each fact: a line of the profiles; 0xffff is none |
 * | 2 n | target of each fact: a line of the targets; 0xffff is none |
 * | 4 n | lag: receipt − occurrence in ms, zigzag; 0xffffffff says that the occurrence is the next far time |
 * | 4 n | receipt, ms after the earliest |
 * | 8 each | far times: occurrences, ms since 1970, float64 |
 * | … | profiles: lines of UTF-8, the fields separated by 0x1f |
 * | … | targets: lines of UTF-8, patch id and, after 0x1f, rollout id |
 * | … | ids: for each head that says so, its length in one byte and its text |
 * | … | details: JSON, [[index of the fact, {signal, failureCode, detail}], …], or nothing |
 *
 * Columns of two and four bytes are stored as planes (all low bytes first): the high planes are nearly constant, and
 * a general compressor makes nothing of them. Keys and hashes are random and stay as they are.
 */
export const PACKED_VERSION = 1;
export const HEADER_BYTES = 36;
export const KEY_BYTES = 16;
export const REPORT_BYTES = 8;
export const FAR_TIME_BYTES = 8;
/** Bytes of a fact in the columns. */
export const FACT_BYTES = KEY_BYTES + REPORT_BYTES + 1 + 2 + 2 + 4 + 4;

export const FACTS_PER_COMMIT_MAX = 0xffff;
export const NONE = 0xffff;
export const FAR = 0xffffffff;

export const KIND_MASK = 0b111;
export const CAUSE_SHIFT = 3;
export const CAUSE_MASK = 0b11;
export const HAS_ID = 1 << 5;
export const CLOCK_AHEAD = 1 << 6;
export const UNUSED_BITS = 1 << 7;
