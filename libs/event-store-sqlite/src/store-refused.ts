/** Why a store was not opened. */
export type RefusalCode = 'folder-in-use' | 'other-clock' | 'other-format' | 'not-a-store' | 'damaged' | 'cannot-open';

/** The store was not opened, and nothing was changed. The message says what is wrong and what to do about it. */
export class StoreRefused extends Error {
  override readonly name = 'StoreRefused';
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}
