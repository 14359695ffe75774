/** What the holder of a token may do. `gateway` speaks for any device, `peer` is for services among themselves. */
export const tokenRoles = [
  'viewer',
  'publisher',
  'operator',
  'responder',
  'device',
  'gateway',
  'peer',
  'admin',
] as const;
export type TokenRole = (typeof tokenRoles)[number];
export const TOKEN_NAME_CHARACTERS_MAX = 64;

/** The files of a folder of tokens, as the services and `sluice token rotate-admin` find them. */
export const ADMIN_TOKEN_FILE = 'admin-token';
/** What the admin token was before, as FormerAdminToken; absent when nothing but the present one is taken. */
export const FORMER_ADMIN_TOKEN_FILE = 'admin-token.former';
/** Keys of the services among themselves, one a line; the first is used, all are taken. */
export const PEERS_KEY_FILE = 'peers-key';
/** Only the owner of the process reads and writes them. */
export const PRIVATE_FILE_MODE = 0o600;
export const PRIVATE_FOLDER_MODE = 0o700;
export const ADMIN_TOKEN_START = 'slc_admin_';
/** For so long the former admin token is still taken. */
export const FORMER_ADMIN_TOKEN_MS = 10 * 60_000;

export interface FormerAdminToken {
  /** SHA-256 of its text, in hexadecimal digits. */
  readonly sha256: string;
  /** Until when it is taken, in milliseconds of the wall's time since 1970. */
  readonly untilMs: number;
}
