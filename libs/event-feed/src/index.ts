export * from './dead-letters.ts';
export * from './event-feed.ts';
export * from './feed-follower.ts';
export * from './feed-inbox.ts';
export { type OwnerDoubts } from './owner-doubts.ts';
export * from './shard-ownership.ts';
export * from './skipped-links.ts';
export * from './source-signs.ts';
export * from './store-feed.ts';
